"""Modules as one script."""

import pytest

from striate.errors import FormatError
from striate.web.bundle import bundle


def modules(folder, **sources: str) -> None:
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source)


def test_what_is_imported_comes_first_and_once(tmp_path) -> None:
    modules(
        tmp_path,
        page='import { b, c } from "./b.js";\nimport * as a from "./a.js";\nrun(a.a, b, c);\n',
        a="export const a = 1;\n",
        b='import { a } from "./a.js";\nexport function b() {}\nexport async function c() {}\n',
    )
    assert bundle(tmp_path, "page.js") == (
        "const $a = (() => {\nconst a = 1;\nreturn { a };\n})();\n"
        "const $b = (() => {\nconst { a } = $a;\nfunction b() {}\nasync function c() {}\nreturn { b, c };\n})();\n"
        "{\nconst { b, c } = $b;\nconst a = $a;\nrun(a.a, b, c);\n}\n"
    )


def test_another_module_can_stand_in(tmp_path) -> None:
    modules(tmp_path, page='import { ask } from "./server.js";\nask();\n', local="export const ask = () => 1;\n")
    assert "const $local" in bundle(tmp_path, "page.js", instead={"server.js": "local.js"})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('import a from "./a.js";\n', "page.js has 'import a from \"./a.js\";'."),
        ("export { a };\n", "page.js has 'export { a };'."),
        ("export default 1;\n", "page.js has 'export default 1;'."),
    ],
)
def test_what_would_be_left_as_it_is_is_refused(tmp_path, line: str, said: str) -> None:
    modules(tmp_path, page=line, a="export const a = 1;\n")
    with pytest.raises(FormatError) as caught:
        bundle(tmp_path, "page.js")
    assert str(caught.value).startswith(said)


def test_modules_that_import_each_other_are_refused(tmp_path) -> None:
    modules(tmp_path, a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')
    with pytest.raises(FormatError, match=r"modules import each other: a.js → b.js → a.js"):
        bundle(tmp_path, "a.js")
