"""Every module has its description and its environment, which agree with the process; its own test passes."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "nextflow"
MODULES = sorted((PROJECT / "modules").rglob("main.nf"))
MODULES = [path.parent for path in MODULES if path.parent.name != "tests"]
LABELS = set(re.findall(r"withLabel: (\w+)", (PROJECT / "conf" / "base.config").read_text()))
LABELS |= set(re.findall(r"withLabel: (\w+)", (PROJECT / "conf" / "gpu.config").read_text()))


@pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: "/".join(path.relative_to(PROJECT / "modules").parts)
)
class TestModule:
    def test_description_names_what_goes_in_and_out(self, module):
        text = (module / "main.nf").read_text()
        meta = yaml.safe_load((module / "meta.yml").read_text())
        name = "_".join(module.relative_to(PROJECT / "modules").parts)
        assert meta["name"] == name
        assert f"process {name.upper()} {{" in text
        inputs, outputs = re.search(r"input:\n(.*)\n    output:\n(.*)\n    script:", text, re.DOTALL).groups()
        named = re.findall(r"(?:val|path|each)[ (](\w+)", inputs)
        assert [key for each in meta["input"] for key in each] == named
        assert list(meta["output"]) == list(dict.fromkeys(re.findall(r"emit: (\w+)", outputs)))

    def test_environment_holds_the_tool(self, module):
        tool = module.relative_to(PROJECT / "modules").parts[0]
        environment = yaml.safe_load((module / "environment.yml").read_text())
        assert tool in str(environment["dependencies"])

    def test_it_calls_only_commands(self, module):
        text = (module / "main.nf").read_text()
        script = re.search(r'script:.*?"""\n(.*?)"""', text, re.DOTALL)[1]
        tool = module.relative_to(PROJECT / "modules").parts[0]
        commands = re.findall(r"^ *(\w+)", re.sub(r"\\\\\n", " ", script), re.MULTILINE)
        assert set(commands) - {"mkdir"} == {tool}
        assert set(re.findall(r"label '(\w+)'", text)) <= LABELS
        assert "stub:" in text

    @pytest.mark.slow
    def test_its_own_test_passes(self, module, nextflow):
        name = "_".join(module.relative_to(PROJECT / "modules").parts).upper()
        run = nextflow.command("run", module / "tests" / "main.nf")
        assert run.returncode == 0, run.stdout
        assert re.search(rf"Submitted process > {name}\b", run.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_a_false_check_fails_the_run(nextflow, parser):
    copy = nextflow.folder / "nextflow" / "modules" / "samtools" / "stats"
    shutil.copytree(PROJECT / "modules" / "samtools" / "stats", copy)
    (nextflow.folder / "data").symlink_to(PROJECT.parent / "data")
    test = copy / "tests" / "main.nf"
    test.write_text(test.read_text().replace("1000 + 0 in total", "1001 + 0 in total"))
    run = nextflow.command("run", test, NXF_SYNTAX_PARSER=parser)
    assert run.returncode == 1
    assert "ERROR ~ assert found[0].text.startsWith('1001 + 0 in total')" in run.stdout
