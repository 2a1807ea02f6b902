"""What works without PyTorch: files, arrays, the package itself. Also run on built wheels."""

import ast
import inspect
import pathlib
import re
import struct
import subprocess
import sys

import numpy
import pytest
import verissim

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write_safetensors(path, arrays):
    """A file of float32 arrays, by the format's own definition."""
    import json

    header, data = {}, b""
    for name, array in arrays.items():
        raw = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture
def network(tmp_path):
    generator = numpy.random.default_rng(4)
    arrays = {
        "0.weight": generator.standard_normal((6, 9)),
        "0.bias": generator.standard_normal(6),
        "2.weight": generator.standard_normal((3, 6)),
        "2.bias": generator.standard_normal(3),
    }
    write_safetensors(tmp_path / "net.safetensors", arrays)
    return tmp_path / "net.safetensors"


def test_a_file_and_an_array(network):
    image = numpy.random.default_rng(5).random((3, 3))
    result = verissim.verify(network, image, ssim=0.9999)
    assert result.verdict in ("robust", "not robust")
    assert verissim.verify(network.read_bytes(), image, ssim=0.9999).margin == result.margin
    model = verissim.load(network)
    assert model.format == "safetensors" and model.classes == 3 and model.relus == 6 and len(model.digest) == 64
    assert verissim.verify(model, image, ssim=0.9999).margin == result.margin
    wide = verissim.verify(network, image, ssim=0.01)
    assert wide.verdict == "not robust" and wide.counterexample.image.shape == (1, 3, 3)


def test_without_torch_nothing_of_it_is_imported(network):
    code = (
        "import sys, verissim, numpy\n"
        f"verissim.verify({str(network)!r}, numpy.full((3, 3), 0.5), ssim=0.99)\n"
        "assert not any(name.split('.')[0] == 'torch' for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_it_imports_neither_numpy_nor_torch():
    code = "import sys, verissim\nassert not {'numpy', 'torch', 'PIL'} & set(sys.modules), sys.modules\n"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_version_is_that_of_the_project():
    text = (ROOT / "CMakeLists.txt").read_text()
    assert verissim.__version__ == re.search(r"project\(.*?VERSION\s+([0-9.]+)", text, re.DOTALL).group(1)


def test_it_is_typed_and_documented():
    folder = pathlib.Path(verissim.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_engine.pyi").exists()
    for name in verissim.__all__:
        thing = getattr(verissim, name)
        assert inspect.getdoc(thing), name
        if inspect.isfunction(thing):
            hints = inspect.signature(thing)
            assert hints.return_annotation is not inspect.Signature.empty, name
            for parameter in hints.parameters.values():
                assert parameter.annotation is not inspect.Parameter.empty, (name, parameter)


def test_the_stub_names_what_the_module_has():
    stub = (ROOT / "python/verissim/_engine.pyi").read_text()
    named = set(re.findall(r"^(?:class|def) (\w+)|^(\w+):", stub, re.MULTILINE))
    named = {a or b for a, b in named}
    own = {name for name in dir(verissim._engine) if not name.startswith("_")}
    assert named == own


def test_the_package_stub_says_what_the_functions_take():
    stub = pathlib.Path(verissim.__file__).parent / "__init__.pyi"
    tree = ast.parse(stub.read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert {node.name for node in functions} == {"verify", "attack", "threshold"}
    for node in functions:
        taken = inspect.signature(getattr(verissim, node.name)).parameters.values()
        defaults = [inspect.Parameter.empty] * (len(node.args.args) - len(node.args.defaults))
        defaults += [ast.literal_eval(each) for each in node.args.defaults + node.args.kw_defaults]
        named = [each.arg for each in node.args.args + node.args.kwonlyargs]
        assert list(zip(named, defaults)) == [(each.name, each.default) for each in taken], node.name
    imported = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(verissim.__all__) <= imported | {node.name for node in functions}


def test_the_checker_is_beside_the_engine():
    from verissim import _certificates

    done = subprocess.run([_certificates.PROGRAM, "--help"], stdout=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 0 and done.stdout.startswith("usage: verissim-check CERTIFICATE")
    pixels = numpy.zeros((2, 3), numpy.uint8)
    check = verissim.check(b"nothing", b"nothing", pixels, 0, 0.99)
    assert check.verdict == "rejected" and not check.robust
