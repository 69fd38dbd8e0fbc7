"""`codewren lsp`."""

import sys

import click


@click.command()
@click.option("--stdio", is_flag=True, help="Speak over standard input and output: the only way, and the default.")
def lsp(stdio: bool) -> None:
    """Show findings in an editor while code is written: a language server, started by the editor.

    \b
    Neovim 0.11:  vim.lsp.config("codewren", { cmd = { "codewren", "lsp" },
                    filetypes = { "c", "python", "java" }, root_markers = { ".git" } })
                  vim.lsp.enable("codewren")
    Helix:        [language-server.codewren]
                  command = "codewren"
                  args = ["lsp"]
    Emacs:        M-x eglot with a prefix argument, then: codewren lsp
    VS Code:      the extension in editors/vscode

    A function that is a copy of another one in the workspace is marked, with the other place. Actions silence a
    finding by a comment, add it to the baseline, or open the other place. The settings, which all editors send as one
    object "codewren", are in docs/editors.md; nothing is sent anywhere.
    """  # noqa: D301  click wants the character itself
    from importlib.util import find_spec

    from codewren.core.errors import MissingExtraError

    if find_spec("pygls") is None:
        raise MissingExtraError("pygls", "lsp")
    from codewren.editor.language_server import private_output, serve

    serve(sys.stdin.buffer, private_output())
