"""Whatever goes wrong is one sentence on stderr and an exit code."""

import os
import re
import sys
import traceback
import warnings

import typer

from skgex.cli._input import say, warn

OK, FAILURE, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

# What a user can mend; anything else is a fault of the program.
_BAD_INPUT = (ValueError, OSError, KeyError, FloatingPointError)
_QUIET = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


def run(app, argv):
    """Run the commands of ``app`` on the words ``argv`` and return the exit code."""
    debug = "--debug" in argv
    argv = [word for word in argv if word != "--debug"] or ["--help"]
    with warnings.catch_warnings():
        for category in _QUIET:
            warnings.simplefilter("ignore", category)
        warnings.showwarning = _warn_once()
        try:
            code = app(argv, prog_name="skgex", standalone_mode=False) or OK
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except BrokenPipeError:  # the reader of a pipe, `head` for instance, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILURE
        except Exception as error:
            if debug:
                traceback.print_exc()
            return _stop(*_explained(error))
    if code == INTERRUPTED:  # which typer makes of Ctrl-C
        _stop("interrupted; nothing was left half-written.", code)
    return code


def _explained(error):
    """The sentence and the exit code of an error."""
    if hasattr(error, "format_message"):  # an option or argument that typer refused
        return _refused_words(error), BAD_INPUT
    if isinstance(error, ImportError):
        return str(error), FAILURE
    if isinstance(error, OSError) and error.strerror:
        named = f": {error.filename!r}" if error.filename else ""
        return f"{error.strerror}{named}.", BAD_INPUT
    if isinstance(error, _BAD_INPUT):
        text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        return _as_options(text), BAD_INPUT
    name, text = type(error).__name__, str(error).strip()
    return (
        f"this should not have happened: {name}{': ' if text else ''}{text} Run the command "
        "again with --debug to see where.",
        FAILURE,
    )


def _refused_words(error):
    """What typer says of the words typed, with the help of the command that they were for."""
    text = error.format_message().replace("Value error, ", "").rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text}. Try: {context.command_path if context else 'skgex'} --help"


def _as_options(text):
    """Write a hint such as ``orientation='genes-in-rows'`` as the option that it is here."""
    text = re.sub(r",? or [^.,;]*\bformat=[^.]*", "", text)
    text = re.sub(r"\bpassing (?=\w+=')", "", text)
    return re.sub(
        r"\b([a-z_]+)='([\w-]+)'", lambda hint: f"--{hint[1].replace('_', '-')} {hint[2]}", text
    )


def _stop(sentence, code):
    say(f"skgex: error: {' '.join(sentence.split())}")
    return code


def _warn_once():
    """Show every warning, but the same one only once: methods repeat it one after the other."""
    told = set()

    def show(message, *_, **__):
        if (text := str(message)) not in told:
            told.add(text)
            warn(text)

    return show
