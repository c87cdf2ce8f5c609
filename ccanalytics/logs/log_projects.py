"""A working folder -> the project it is of, however it is spelled."""

import re

_DRIVE = re.compile(r"(?:[\\/]{2}[?.][\\/])?([A-Za-z]):(?=[\\/]|$)|/mnt/([A-Za-z])(?=/|$)")
_WORKTREE = re.compile(
    r"([\\/])(?:\.claude[\\/]worktrees|\.worktrees)[\\/].*"
    r"|(?<=[\\/]\.claude-worktrees[\\/])([^\\/]+)[\\/].*"
)


def project_of(folder: str | None) -> str | None:
    r"""The project of a working folder: a worktree is of its repository, a drive is a capital.

    >>> project_of("/home/a/app/.claude/worktrees/fix-1/src"), project_of("/home/a/app/")
    ('/home/a/app', '/home/a/app')
    >>> project_of("c:\\app") == project_of("\\\\?\\C:\\app\\") == project_of("/mnt/c/app")
    True
    """
    if not folder:
        return folder
    drive = _DRIVE.match(folder)
    if drive:
        letter = drive[1] or drive[2]
        folder = f"{letter.upper()}:" + folder[drive.end() :].replace("/", "\\")
    folder = _WORKTREE.sub(lambda found: found[2] or "", folder)
    return folder.rstrip("\\/") or folder


def is_within(folder: str | None, project: str | None) -> bool:
    """Whether a folder lies below a project, neither of them in another spelling."""
    return bool(folder and project and folder.startswith((f"{project}/", f"{project}\\")))
