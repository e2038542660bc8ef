"""What tests with real processes share: a mesh that ends with the test, spools that are empty."""

import getpass
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from pixmesh.tests.support import plugin
from pixmesh.tests.support.meshes import RealMesh


@pytest.fixture(autouse=True, scope="session")
def pyzmq_frees_memory() -> None:
    """Have pyzmq start the thread that frees what was sent uncopied: it is kept for ever."""
    with zmq.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
        one.bind("inproc://uncopied")
        two.connect("inproc://uncopied")
        one.send(bytes(1024 * 1024), copy=False)
        two.recv()


@pytest.fixture(autouse=True)
def no_pixels_stay(nothing_leaks: None) -> Iterator[None]:
    """Fail the test whose processes left pixels in the folder that all spools are in."""
    yield
    home = Path(tempfile.gettempdir()) / f"pixmesh-{getpass.getuser()}"
    if home.is_dir():
        left = sorted(path.name for path in home.iterdir())
        if left:
            pytest.fail(f"left in the folder of spools: {', '.join(left)}", pytrace=False)
        home.rmdir()


@pytest.fixture
def mesh(tmp_path: Path, no_pixels_stay: None) -> Iterator[RealMesh]:
    """Members that are started as the test wants, and ended after it."""
    mesh = RealMesh(tmp_path)
    try:
        yield mesh
    finally:
        mesh.end()


@pytest.fixture
def nap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the operation `nap`; return the file that is there from the first nap on."""
    code = (Path(plugin.__file__).parent / "nap.py").read_text(encoding="utf-8")
    plugin.install(
        tmp_path / "naps", "nap_package", {"nap_module": code}, {"n": "nap_module:NAP"}, monkeypatch
    )
    began = tmp_path / "naps" / "began"
    monkeypatch.setenv("NAP_BEGAN", str(began))
    return began


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Put a measured figure beside the test's result in the junit file."""

    def put(what: str, value: float) -> None:
        request.node.user_properties.append((what, round(value, 3)))

    return put
