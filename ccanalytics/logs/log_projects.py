"""A working folder -> its project, however it is spelled."""

import ntpath
import posixpath
import re
import unicodedata

_DRIVE = re.compile(r"(?:[\\/]{2}[?.][\\/])?([A-Za-z]):(?=[\\/]|$)|/mnt/([A-Za-z])(?=/|$)")
_WORKTREE = re.compile(
    r"([\\/])(?:\.claude[\\/]worktrees|\.worktrees)[\\/].*"
    r"|(?<=[\\/]\.claude-worktrees[\\/])([^\\/]+)[\\/].*"
)


def project_of(folder: str | None) -> str | None:
    r"""The project of a folder: worktrees belong to their repository, drives are upper case.

    >>> project_of("/home/a/app/.claude/worktrees/fix-1/src"), project_of("/home/a/app/")
    ('/home/a/app', '/home/a/app')
    >>> project_of("c:\\app") == project_of("\\\\?\\C:\\app\\") == project_of("/mnt/c/app")
    True
    """
    if not folder:
        return folder
    # macOS writes an accent as a character of its own.
    folder, tidied = unicodedata.normalize("NFC", folder), posixpath.normpath
    if drive := _DRIVE.match(folder):
        letter, tidied = drive[1] or drive[2], ntpath.normpath
        folder = f"{letter.upper()}:\\{folder[drive.end() :]}"
    folder = _WORKTREE.sub(lambda found: found[2] or "", folder)
    return tidied(folder).removesuffix("\\")


def is_within(folder: str | None, project: str | None) -> bool:
    """Whether a folder is below a project; both in the project's spelling."""
    return bool(folder and project and folder.startswith((f"{project}/", f"{project}\\")))
