"""What nets with a plain schedule have in common."""

import torch

from skgex._training._callbacks import LinearDecay, ProgressBar


def plain_schedule(name, *, lr, lr_final, max_epochs, device, verbose, callbacks=()):
    """Arguments of a net that Adam trains at a learning rate that falls linearly, never rises.

    Parameters
    ----------
    name : str
        What the progress bar says.
    lr, lr_final : float
        Learning rate of the first and of the last epoch.
    max_epochs : int
    device : str
    verbose : bool
    callbacks : sequence of (str, Callback)
        Further ones.

    Returns
    -------
    dict
    """
    callbacks = [("decay", LinearDecay(min(1.0, lr_final / lr))), *callbacks]
    if verbose:
        callbacks.append(("progress", ProgressBar(name)))
    return dict(
        lr=lr,
        max_epochs=max_epochs,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        device=device,
        callbacks=callbacks,
    )
