"""Puts the compiled codebook into the wheel, so that scoring parses no language files at start."""

import sys
from pathlib import Path
from types import ModuleType

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CodebookHook(BuildHookInterface):
    """Compiles src/adrisk/codebook/languages; an editable install reads them itself instead."""

    def initialize(self, version, build_data):
        """Write the compiled file and name it to the wheel."""
        if version == "editable":
            return
        # adrisk itself needs its dependencies to be imported, which a build has not; the modules
        # that compile need only the standard library.
        package = ModuleType("adrisk")
        package.__path__ = [str(Path(self.root, "src", "adrisk"))]
        sys.modules["adrisk"] = package
        from adrisk.codebook.compile import COMPILED_FILE, LANGUAGES_FOLDER, write_compiled

        compiled = Path(self.directory, COMPILED_FILE.name)
        write_compiled(LANGUAGES_FOLDER, compiled)
        build_data["force_include"][str(compiled)] = f"adrisk/codebook/{COMPILED_FILE.name}"

    def finalize(self, version, build_data, artifact_path):
        """The wheel holds it now."""
        Path(self.directory, "compiled.json").unlink(missing_ok=True)
