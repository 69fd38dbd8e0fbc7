"""What the settings of a project, `codewren.toml` or `[tool.codewren]`, say to an editor: the editor's own win."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from codewren.core.project_settings import FolderSettings, ProjectSettings, find_settings, read_settings
from codewren.editor.client_settings import ClientSettings


@dataclass(frozen=True, slots=True)
class ProjectDefaults:
    """Defaults of a session, and the limits that hold below folders, whose paths are absolute."""

    settings: ClientSettings = field(default_factory=ClientSettings)
    folders: tuple[FolderSettings, ...] = ()

    @classmethod
    def of(cls, root: str) -> "ProjectDefaults":
        """Read the settings that hold in a folder; the built-in defaults where there are none.

        Raises:
            InputError: they cannot be read, or name a baseline outside their folder.
        """
        file = find_settings(Path(root))
        return cls() if file is None else cls._of(read_settings(file))

    @classmethod
    def _of(cls, project: ProjectSettings) -> "ProjectDefaults":
        scan, settings = project.scan, ClientSettings(exclude=tuple(project.scan.exclude))
        name = scan.model
        if name is not None:
            table = project.models.get(name)
            file = table.file if table is not None else name if (project.root / name).is_file() else None
            settings = replace(settings, models=(os.fspath(project.root / file) if file else name,))
            if table is not None:
                scan = replace(scan, **{key: value for key in _LIMITS if (value := getattr(table, key)) is not None})
        if scan.threshold is not None:
            settings = replace(settings, threshold=scan.threshold)
        if scan.min_lines is not None:
            settings = replace(settings, min_lines=scan.min_lines)
        if scan.max_file_bytes is not None:
            settings = replace(settings, max_file_bytes=scan.max_file_bytes)
        if scan.baseline is not None:  # which an action of the editor writes
            settings = replace(settings, baseline=os.path.abspath(project.written(scan.baseline)))  # noqa: PTH100
        folders = (replace(folder, path=os.fspath(project.root / folder.path)) for folder in project.innermost)
        return cls(settings, tuple(folder for folder in folders if folder.model in {None, name}))


_LIMITS = ("threshold", "min_lines")
