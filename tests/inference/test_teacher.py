"""The teacher of SemiGAN: what it learns from, and that it infers better than the mean."""

import pytest
import torch
from torch import nn

from skgex import _losses as losses
from skgex import make_expression
from skgex.inference._teacher import MaskedReconstruction, Teacher
from skgex.preprocessing import GeneScaler

N_LABELLED = 60


@pytest.fixture(scope="module")
def profiles():
    """Scaled landmarks and targets of all profiles, the first of which are the labelled ones."""
    data, _ = make_expression(200, 20, 15, random_state=0)
    scaled = torch.from_numpy(GeneScaler().fit_transform(data.X)).float()
    return scaled[:, :20], scaled[:, 20:]


def teach(X_all, X, Y, *, seed=0, **params):
    quick = dict(max_epochs=20, units=(16, 16))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        return Teacher(X_all, X, Y, generator, **(quick | params))


@pytest.fixture(scope="module")
def teacher(profiles):
    X, Y = profiles
    return teach(X, X[:N_LABELLED], Y[:N_LABELLED])


def test_it_infers_other_profiles_far_better_than_the_mean(profiles, teacher):
    X, Y = (tensor[N_LABELLED:] for tensor in profiles)
    error = (teacher(X) - Y).abs().mean()
    assert error < 0.85 * (Y - Y.mean(dim=0)).abs().mean()


def test_it_learns_from_all_profiles(profiles, teacher):
    X, Y = (tensor[:N_LABELLED] for tensor in profiles)
    other = teach(torch.cat([X, profiles[0][N_LABELLED:].flip(1)]), X, Y)
    assert not torch.allclose(other(X), teacher(X), atol=1e-3)


def test_the_seed_decides_what_it_infers(profiles, teacher):
    X, Y = profiles
    again, other = (teach(X, X[:N_LABELLED], Y[:N_LABELLED], seed=seed) for seed in (0, 1))
    assert torch.equal(again(X), teacher(X))
    assert not torch.allclose(other(X), teacher(X), atol=1e-4)


def test_inferences_do_not_depend_on_the_chunks(profiles, teacher):
    X, _ = profiles
    torch.testing.assert_close(teacher(X, chunk=7), teacher(X), rtol=0, atol=5e-5)


def test_it_keeps_no_more_labelled_profiles_than_asked(profiles):
    X, Y = (tensor[:N_LABELLED] for tensor in profiles)
    capped = teach(X, X, Y, max_profiles=20)
    kept = capped.kernel_ridge_.views[0] + capped.kernel_ridge_.means[0]
    rows = [(X - row).abs().amax(dim=1).argmin().item() for row in kept]
    assert len(set(rows)) == 20
    torch.testing.assert_close(kept, X[rows])
    assert max(rows) > 30  # drawn from all of them
    assert torch.isfinite(capped(X)).all()


@pytest.mark.parametrize(
    ("limits", "n_epochs"),
    [
        (dict(max_epochs=3), 3),
        (dict(max_epochs=3, max_steps=8), 2),  # of four batches an epoch
        (dict(max_epochs=3, max_steps=1), 1),
    ],
    ids=str,
)
def test_the_autoencoder_trains_no_longer_than_asked(profiles, limits, n_epochs):
    X, Y = profiles
    limited = teach(X, X[:N_LABELLED], Y[:N_LABELLED], batch_size=50, **limits)
    assert len(limited.net_.history) == n_epochs


@pytest.mark.parametrize("n", [2, 3])
def test_a_handful_of_labelled_profiles_is_enough(profiles, n):
    X, Y = profiles
    assert torch.isfinite(teach(X, X[:n], Y[:n])(X)).all()


def test_bfloat16_stays_near_float32(profiles, teacher):
    X, Y = profiles
    fast = teach(X, X[:N_LABELLED], Y[:N_LABELLED], precision="bfloat16")(X)
    assert fast.dtype == torch.float32
    assert (fast - teacher(X)).abs().mean() < 0.1


def test_the_autoencoder_infers_hidden_landmarks_from_the_others():
    class Watched(nn.Linear):
        def forward(self, X):
            self.shown = X
            return super().forward(X)

    net = MaskedReconstruction(Watched(30, 30), criterion=losses.absolute_error).initialize()
    X = torch.rand(40, 30) + 1
    loss = net.objective((X, X))
    shown, X_hat = net.module_.shown, net.module_(net.module_.shown).detach()
    hidden = shown == 0
    assert 0.4 < hidden.float().mean() < 0.6
    torch.testing.assert_close(shown[~hidden], 2 * X[~hidden])  # the sum of inputs stays
    assert loss.item() == pytest.approx((X_hat - X)[hidden].abs().mean().item(), rel=1e-5)
    net.objective((X, X))
    assert not torch.equal(net.module_.shown == 0, hidden)
