"""Users' tensors and settings: what the grammar promises is read as torch would; nothing else is reached."""

from __future__ import annotations

import ast
import io
import os
import pickle
import socket
import struct
import zipfile
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from torchreel.assets.errors import UserError
from torchreel.scenes.trace import files
from torchreel.scenes.trace.files import read_file, read_resize, read_stream
from torchreel.scenes.trace.inputs import read_input, read_literal, read_own
from torchreel.scenes.trace.vocabulary import CASTS, CREATORS, DTYPES, FUNCTIONAL, FUNCTIONS, METHODS

AS_IN_TORCH = [
    "torch.arange(1., 17.).reshape(1, 1, 4, 4)",
    "torch.arange(16, dtype=torch.float32).view((4, -1))",
    "torch.arange(5, 0, -1)",
    "torch.randn(2, 3)",
    "torch.randn((2, 3))",
    "torch.randn(size=[2, 3])",
    "torch.rand(4)",
    "torch.randint(10, (2, 3))",
    "torch.randint(-5, 5, (2, 3))",
    "torch.randint(low=2, high=9, size=(4,))",
    "torch.zeros(2, 0)",
    "torch.ones(2, 2, dtype=torch.int64)",
    "torch.full((2, 2), -torch.inf)",
    "torch.eye(2, 3)",
    "torch.linspace(0, 1, steps=5)",
    "torch.tensor([[1, 2], [3, 4]]).float() / 3 - torch.ones(2)",
    "-torch.arange(4).float() * 2.5 + 1",
    "2 / torch.tensor([0., 1., float('nan'), float('-inf')])",
    "torch.tensor([1.7, -1.7]).long()",
    "torch.tensor(3)",
    "torch.randn(2) + torch.rand(2)",
    "torch.randn(2, 5).softmax(1)",
    "torch.randn(2, 5).log_softmax(dim=-1).exp()",
    "torch.nn.functional.log_softmax(torch.randn(2, 3), dim=1)",
    "torch.nn.functional.one_hot(torch.tensor([0, 2]), num_classes=4)",
    "torch.nn.functional.one_hot(torch.tensor([[0], [2]])).bool()",
    "torch.where(torch.rand(4) > 0.5, 1, -1)",
    "torch.where(torch.arange(4) % 2 == 1, torch.zeros(4), torch.tensor(torch.inf))",
    "torch.sigmoid(torch.arange(4) // 2)",
    "torch.randint(0, 2, (4,)) * 2 - 1",
    "torch.rand(3) >= 0.5",
    "torch.arange(3) != 1",
    "torch.arange(6.).reshape(2, 3).T",
    "torch.arange(8.).reshape(2, 2, 2).mT.permute(2, 0, 1).transpose(0, 1).flatten().unsqueeze(0)",
    "torch.arange(-3., 3.).abs().log().clamp(min=-1).neg()",
    "torch.tensor([1.5, torch.nan]).to(torch.float64)",
    "torch.arange(3).double()",
    "torch.arange(3).half()",
    "torch.tensor([1.5, 0.]).int()",
    "torch.randn(3, 5, requires_grad=True) * 1",
]
HOSTILE = [
    "__import__('pathlib').Path({file!r}).touch()",
    "open({file!r}, 'w')",
    "torch.save(torch.ones(1), {file!r})",
    "torch.ones(1).numpy().tofile({file!r})",
    "torch.ones(1).__class__.__init__.__globals__['os'].mkdir({file!r})",
    "torch.os.mkdir({file!r})",
    "torch.tensor.__self__.save(1, {file!r})",
    "[torch.save(1, {file!r}) for _ in [1]]",
    "(lambda: torch.save(1, {file!r}))()",
    "f'{{torch.save(1, {file!r})}}'",
    "(x := torch.save(1, {file!r}))",
    "float(torch.save(1, {file!r}))",
    "float('1', torch.save(1, {file!r}))",
    "torch.randn(1, generator=torch.save(1, {file!r}))",
    "torch.zeros(1, dtype=torch.save(1, {file!r}))",
    "torch.zeros(*[torch.save(1, {file!r})])",
    "torch.zeros(**torch.save(1, {file!r}))",
    "torch.full((1,), torch.save(1, {file!r}))",
    "torch.zeros(1).view(torch.save(1, {file!r}))",
    "torch.zeros(1) @ torch.save(1, {file!r})",
    "torch.zeros(1)[torch.save(1, {file!r})]",
    "1 if torch.save(1, {file!r}) else 2",
    "nan.__class__(torch.save(1, {file!r}))",
    "eval('torch.save(1, {file})')",
    "torch.from_file({file!r}, size=1)",
    "torch.load({file!r})",
]
TOO_LARGE = [
    "torch.zeros(101)",
    "torch.randn(11, 10)",
    "torch.rand(99999999999, 99999999999)",
    "torch.zeros(0, 999999999999)",
    "torch.full((101,), 0)",
    "torch.eye(11)",
    "torch.arange(101)",
    "torch.arange(0, 1, 1e-9)",
    "torch.linspace(0, 1, 10**9)",
    "torch.linspace(0, 1, 1000000000)",
    "torch.randint(5, (101,))",
    "torch.ones(100, 1) + torch.ones(1, 100)",
    " + ".join(["torch.zeros(99)"] * 9),
    "torch.zeros(2, 50).reshape(-1, 999999999999999999999)",
    "torch.nn.functional.one_hot(torch.tensor([10**9]))",
    "torch.nn.functional.one_hot(torch.tensor([1000000000]))",
    "torch.nn.functional.one_hot(torch.arange(11), 11)",
    "torch.where(torch.ones(100, 1) > 0, torch.ones(1, 100), 0)",
    "torch.ones(100, 1) < torch.ones(1, 100)",
]
WORDS = [
    *CREATORS,
    *FUNCTIONS,
    *FUNCTIONAL,
    *METHODS,
    *CASTS,
    "torch",
    "reshape",
    "float",
    "size",
    "dtype",
    "nan",
    "inf",
    "save",
    "__class__",
    "lambda",
    "for",
]
SIGNS = [*"()[]{}.,:+-*/=@!&|~ '\"\n\\0123456789", "**", "1e999", "9" * 30, "(" * 300, "-" * 300, "1+" * 300]


def _refused(source: Any, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read_input(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("text", AS_IN_TORCH)
def test_text_gives_what_torch_gives(text: str) -> None:
    torch.manual_seed(7)
    expected = eval(text, {"torch": torch})
    if text.startswith("torch.randn(2) +"):
        generator = torch.Generator().manual_seed(7)
        expected = torch.randn(2, generator=generator) + torch.rand(2, generator=generator)
    got = read_input(text, dtype=None, seed=7)
    assert got.dtype == expected.dtype
    assert torch.equal(got.nan_to_num(), expected.nan_to_num())
    assert torch.equal(got.isnan(), expected.isnan())


@given(
    st.recursive(
        st.one_of(
            st.integers(-99, 99), st.floats(-9, 9, width=32), st.just(float("nan")), st.just(float("-inf"))
        ),
        lambda inner: st.tuples(inner, st.integers(0, 3)).map(lambda pair: [pair[0]] * pair[1]),
        max_leaves=4,
    )
)
def test_nested_lists_are_read_as_they_stand(values: Any) -> None:
    expected = torch.tensor(values, dtype=torch.float32)
    for source in (repr(values), values):
        got = read_input(source)
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


def test_random_numbers_follow_the_seed_and_leave_torchs_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, again, other = (read_input("torch.randn(3)", seed=seed) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_run(text: str, tmp_path: Path) -> None:
    file = tmp_path / "written"
    _refused(text.format(file=str(file)))
    with pytest.raises(UserError):
        read_literal(text.format(file=str(file)))
    assert not file.exists()


def test_no_other_name_of_torch_is_reached() -> None:
    for name in set(dir(torch)) - {"nan", "inf", "pi"}:
        assert "is not in the grammar" in _refused(f"torch.{name}")
    for name in set(dir(torch)) - {*CREATORS, *FUNCTIONS}:
        assert "is not in the grammar" in _refused(f"torch.{name}(1)")
    for name in set(dir(torch.nn.functional)) - {*FUNCTIONAL}:
        assert "is not in the grammar" in _refused(f"torch.nn.functional.{name}(torch.ones(1))")


def test_no_other_method_of_a_tensor_is_reached() -> None:
    for name in set(dir(torch.Tensor)) - {"T", "mT"}:
        assert "is not in the grammar" in _refused(f"torch.ones(1).{name}")
    for name in set(dir(torch.Tensor)) - {*METHODS, *CASTS, "to"}:
        assert "is not in the grammar" in _refused(f"torch.ones(1).{name}()")


@given(st.sampled_from([*METHODS]), st.lists(st.integers(-3, 3), max_size=3))
def test_a_method_gives_what_torch_gives_or_is_refused(name: str, arguments: list[int]) -> None:
    text = f"torch.arange(6.).reshape(2, 3).{name}({', '.join(map(str, arguments))})"
    try:
        got = read_input(text, dtype=None)
    except UserError:
        return
    expected = eval(text, {"torch": torch})
    assert got.dtype == expected.dtype
    assert torch.equal(got, expected)


@pytest.mark.parametrize("name", DTYPES)
def test_a_dtype_that_a_text_names_is_kept_and_any_other_is_what_the_example_has(name: str) -> None:
    dtype = getattr(torch, name)
    for text in (f"torch.arange(3, dtype=torch.{name})", f"torch.arange(3).to(torch.{name})"):
        assert read_own(text, torch.float32).dtype == dtype
    for text in ("torch.arange(3)", "[1, 2]", "torch.rand(2) > 0.5"):
        assert read_own(text, dtype).dtype == dtype


def test_what_may_be_classes_or_numbers_is_read_as_it_stands() -> None:
    for text, dtype in {"[1, 0]": torch.int64, "[0.5, 0.5]": torch.float32}.items():
        for usual in (torch.int64, torch.float32):
            assert read_own(text, usual, either=True).dtype == dtype


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from([*WORDS, *SIGNS]), max_size=25).map("".join)))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for read in (read_input, read_literal):
        try:
            read(text)
        except UserError as error:
            assert "\n" not in str(error)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(AS_IN_TORCH), st.data())
def test_damaged_expressions_are_read_or_refused(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, len(text)))
    put = data.draw(st.sampled_from([*WORDS, *SIGNS, ""]))
    try:
        read_input(text[:at] + put + text[until:], limit=10_000)
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("text", TOO_LARGE)
def test_too_many_elements_are_refused(text: str) -> None:
    _refused(text, limit=100)


def test_a_text_that_is_too_long_is_refused() -> None:
    assert "use a .npy file" in _refused("[" + "1," * 200_000 + "]")


@pytest.mark.parametrize(
    "text", ["(" * 1000 + ")" * 1000, "-" * 20_000 + "1", "+".join("1" * 20_000), "[" * 150]
)
def test_deep_nesting_is_refused(text: str) -> None:
    _refused(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "Cannot read the input ''"),
        ("[[1, 2], [3]]", "the rows of a list should have the same shape, not (1,) and (2,)"),
        ("1 / 0", "division by zero"),
        ("torch.arange(3).reshape(2, 2)", "shape '[2, 2]' is invalid for input of size 3"),
        ("torch.randn(-1)", "a size is whole numbers from 0 on, not -1"),
        ("torch.randn(2, 3) + torch.randn(4)", "the shapes (2, 3) and (4,) do not go together"),
        ("torch.eye()", "torch.eye: missing a required argument: 'n'"),
        ("[1, 2] * 3", "write torch.tensor([…])"),
        ("torch.randn(2, seed=1)", "torch.randn: got an unexpected keyword argument 'seed'"),
        ("os.getcwd()", "'os.getcwd()' is not in the grammar"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_possible(text: str, expected: str) -> None:
    message = _refused(text)
    assert expected in message
    assert "Give numbers, nested lists, torch.randn" in message


def test_whole_numbers_are_not_made_from_fractions() -> None:
    assert read_input("[1, 2]", dtype=torch.int64).tolist() == [1, 2]
    assert "whole numbers are needed" in _refused("[1.5]", dtype=torch.int64)
    assert "whole numbers are needed" in _refused("[nan]", dtype=torch.int64)


@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2", "<i2", ">u2", "<u8", "?"])
def test_npy_files_of_every_real_kind(tmp_path: Path, kind: str) -> None:
    array = np.array([[0, 1], [1, 0], [1, 1]]).astype(kind)
    np.save(tmp_path / "x.npy", array)
    for path in (tmp_path / "x.npy", str(tmp_path / "x.npy")):
        assert torch.equal(read_input(path), torch.tensor(array.astype(np.float32)))


def test_npy_files_of_other_things_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    for array in (np.array(["a"]), np.array([1j]), np.array([(1, 2)], dtype="i4,i4")):
        np.save(path, array)
        assert "one array of real numbers" in _refused(path)
    np.save(path, np.zeros(101))
    assert "101 elements are more than 100" in _refused(path, limit=100)


def test_pt_files_hold_one_tensor(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    tensor = torch.nn.Parameter(torch.randn(2, 3)).T
    torch.save(tensor, path)
    got = read_input(path)
    assert torch.equal(got, tensor)
    assert not got.requires_grad
    for other in ({"x": 1}, [1], torch.eye(2).to_sparse(), torch.ones(1, dtype=torch.complex64)):
        torch.save(other, path)
        _refused(path)
    torch.save(torch.ones(1).expand(1000), path)
    assert "1000 elements" in _refused(path, limit=100)


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_pickles_in_files_are_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    array = np.empty(1, dtype=object)
    array[0] = _Evil(trap)
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    torch.save(_Evil(trap), tmp_path / "x.pt")
    torch.save(_Evil(trap), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(_Evil(trap)))
    for name in ("x.npy", "x.pt", "old.pt", "plain.npy"):
        _refused(tmp_path / name)
    assert not trap.exists()


def test_a_pt_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data/0", bytes(1 << 22))
    assert "bytes are more than" in _refused(path, limit=1000)


@pytest.mark.parametrize("suffix", ["npy", "pt", "png", "jpg", "gif", "webp", "tiff"])
@settings(max_examples=20, deadline=None)
@given(junk=st.binary(max_size=200))
def test_damaged_files_are_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("junk") / f"x.{suffix}"
    path.write_bytes(junk)
    _refused(path)


@pytest.mark.parametrize("source", ["missing.npy", Path("missing.pt"), Path("data.csv"), Path(), "\0.npy"])
def test_files_that_cannot_be_read_are_refused(source: Any) -> None:
    _refused(source)


@pytest.mark.parametrize("text", ["9" * 30, "-" + "9" * 30, "(1, " + "9" * 30 + ")"])
def test_a_whole_number_that_torch_cannot_hold_is_said_to_be_too_large(text: str) -> None:
    with pytest.raises(UserError, match="a whole number is at most 9223372036854775807"):
        read_literal(text)


@pytest.mark.parametrize("text", ["10**30", "2*3", "(1, 1 + 1)"])
def test_a_setting_is_not_computed(text: str) -> None:
    with pytest.raises(UserError, match=r": nothing is computed here\. Give a number"):
        read_literal(text)


@pytest.mark.parametrize(
    ("pixels", "suffix", "expected"),
    [
        (np.array([[0, 51], [102, 255]], np.uint8), "png", [[[0, 0.2], [0.4, 1]]]),
        (np.array([[0, 13107], [26214, 65535]], np.uint16), "png", [[[0, 0.2], [0.4, 1]]]),
        (np.array([[[0, 51, 102], [255, 0, 255]]], np.uint8), "png", [[[0, 1]], [[0.2, 0]], [[0.4, 1]]]),
        (
            np.array([[[0, 51, 102, 0], [255, 0, 255, 9]]], np.uint8),
            "png",
            [[[0, 1]], [[0.2, 0]], [[0.4, 1]]],
        ),
        (np.array([[[0, 51, 102], [255, 0, 255]]], np.uint8), "bmp", [[[0, 1]], [[0.2, 0]], [[0.4, 1]]]),
    ],
)
def test_pictures_become_channels_in_0_to_1(tmp_path: Path, pixels: Any, suffix: str, expected: Any) -> None:
    path = tmp_path / f"x.{suffix}"
    iio.imwrite(path, pixels)
    torch.testing.assert_close(read_input(path), torch.tensor([expected], dtype=torch.float32))
    assert "elements are more than" in _refused(path, limit=1)


def test_a_moving_picture_gives_its_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.gif"
    iio.imwrite(path, np.stack([np.full((4, 4, 3), shade, np.uint8) for shade in (255, 0)]), plugin="pillow")
    assert torch.equal(read_input(path), torch.ones(1, 3, 4, 4))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2),
        (" -1 ", -1),
        ("1e-5", 1e-5),
        ("True", True),
        ("false", False),
        ("None", None),
        ("none", "none"),
        ("2,1", (2, 1)),
        ("(2, 1)", (2, 1)),
        ("[1, [-2.5]]", [1, [-2.5]]),
        ("reflect", "reflect"),
        ("'two words'", "two words"),
        ("inf", float("inf")),
        ("-inf", float("-inf")),
        ("(None, True)", (None, True)),
    ],
)
def test_settings_are_read_as_python_values(text: str, expected: Any) -> None:
    got = read_literal(text)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize("text", ["", "two words", "1 + 1", "{1: 2}", "{1}", "b'x'", "2j", "-'a'", "f()"])
def test_other_settings_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^Cannot read the value .*Give a number"):
        read_literal(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5), st.lists, max_leaves=5
    )
)
def test_settings_survive_being_written_and_read(value: Any) -> None:
    assert read_literal(repr(value)) == ast.literal_eval(repr(value)) == value


SPECIAL = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link to a device": lambda path: path.symlink_to(path.with_name("zero")),
    "20000000000 bytes": lambda path: (path.touch(), os.truncate(path, 20_000_000_000)),
}


@pytest.mark.parametrize("suffix", ["npy", "png", "csv", "svg", ""])
@pytest.mark.parametrize("what", SPECIAL)
def test_what_is_not_a_plain_file_is_refused_unread(
    what: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zero").symlink_to("/dev/zero")
    path = tmp_path / f"x.{suffix}".rstrip(".")
    SPECIAL[what](path)
    monkeypatch.setattr(os, "open", pytest.fail)
    message = _refused(path)
    assert what.removeprefix("link to a ") in message or (suffix in ("svg", "") and "is not read" in message)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind("x.npy")
        assert "a socket is not read" in _refused("x.npy")


@pytest.mark.parametrize(
    "path", ["/dev/zero", "/dev/urandom", "/dev/null", "/proc/kmsg", "/proc/self/pagemap"]
)
def test_endless_files_of_the_system_are_refused(path: str, tmp_path: Path) -> None:
    _refused(path)
    (tmp_path / "x.png").symlink_to(path)
    _refused(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("photo.svg", "'photo.svg': .svg is not read; give a .npy, .npz, .pt, .csv or picture file"),
        ("my photo.heic", "'my photo.heic': .heic is not read"),
        ("model.safetensors", ".safetensors is not read"),
        ("missing.npy", "there is no such file"),
        ("~/missing.png", "there is no such file"),
        ("~nobody-of-that-name/x.png", "Could not determine home directory"),
        ("a" * 300 + ".png", "File name too long"),
    ],
)
def test_a_name_is_not_taken_for_an_expression(name: str, said: str) -> None:
    message = _refused(name)
    assert said in message
    assert "torch.randn" not in message


@pytest.mark.parametrize("text", ["1.e5", "-2.e1", "nan", "torch.pi", "-torch.inf", "[1.e5]", "1./torch.pi"])
def test_an_expression_is_not_taken_for_a_name(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(text.replace("/", "_")).touch()
    read_input(text)


def test_the_home_folder_may_be_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "x.npy", np.ones(2))
    assert read_input("~/x.npy").tolist() == [1, 1]


def test_npz_files_hold_one_array(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, np.arange(3))
    assert read_input(path).tolist() == [0, 1, 2]
    np.savez_compressed(path, np.zeros(101))
    assert "101 elements are more than 100" in _refused(path, limit=100)
    np.savez(path, weight=np.ones(1), bias=np.ones(1))
    assert "it holds 2 arrays (weight, bias); save one with" in _refused(path)


def test_npy_files_that_promise_too_much_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.ones(5))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"(5,), }         ", b"(999999999999,),}"[:16].ljust(16)))
    _refused(path)
    path.write_bytes(whole[:-1])
    assert "damaged" in _refused(path)


def test_pth_files_are_read_and_what_else_they_hold_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save(torch.ones(2), path)
    assert read_input(path).tolist() == [1, 1]
    torch.save(torch.nn.Linear(1, 1).state_dict(), path)
    assert "it holds a OrderedDict (weight, bias); save one tensor" in _refused(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2.5\n-3,nan\n", [[1, 2.5], [-3, float("nan")]]),
        ("\ufeff1;2", [[1, 2]]),
        ("1 2\n3\t4", [[1, 2], [3, 4]]),
        ("1\n2\n", [[1], [2]]),
        ("# a heading\n1, 2\r\n", [[1, 2]]),
    ],
)
def test_csv_files_are_rows_of_numbers(tmp_path: Path, text: str, expected: Any) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, "utf-8")
    torch.testing.assert_close(read_input(path), torch.tensor(expected, dtype=torch.float32), equal_nan=True)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "1,2\n3\n", "\n\n", "1,,2", "\0\1"])
def test_other_tables_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, "utf-8")
    assert "Cannot read the input" in _refused(path)


def test_tables_that_are_too_large_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for separator in (",", " ", "\n"):
        path.write_text(separator.join(["1"] * 102))
        assert "elements are more than 100" in _refused(path, limit=100)


def _stream(path: Path) -> Any:
    return read_input(read_stream(io.BytesIO(path.read_bytes())))


@pytest.mark.parametrize(
    "suffix", ["npy", "npz", "pt", "csv", "png", "jpg", "gif", "webp", "tiff", "bmp", "pgm"]
)
def test_standard_input_is_known_by_its_content(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    savers: dict[str, Any] = {
        "npy": lambda: np.save(path, np.ones((2, 2))),
        "npz": lambda: np.savez(path, x=np.ones((2, 2))),
        "pt": lambda: torch.save(torch.ones(2, 2), path),
        "csv": lambda: path.write_text("1,1\n1,1"),
    }
    savers.get(suffix, lambda: Image.new("L", (2, 2), 255).save(path))()
    assert torch.equal(_stream(path), read_input(path))


def test_standard_input_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    with Path("/dev/zero").open("rb") as endless, pytest.raises(UserError, match="more than 1000 bytes"):
        read_stream(endless)
    with pytest.raises(UserError, match="nothing is piped in"):
        read_stream(None)


def test_lists_and_tensors_of_too_many_dimensions_are_refused() -> None:
    for text in ("[" * 90 + "1" + "]" * 90, "torch.ones(" + "1," * 90 + ")"):
        assert "90 dimensions are more than 16" in _refused(text)
    assert read_input("[" * 16 + "1" + "]" * 16).ndim == 16


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_lies_as_it_was_taken(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"x.{suffix}"
    image = Image.new("L", (24, 16), 0)
    image.paste(255, (0, 0, 12, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.convert("RGB").save(path, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    got = read_input(path)
    assert got.shape == ((1, 3, 24, 16) if orientation > 4 else (1, 3, 16, 24))
    torch.testing.assert_close(got[0].permute(1, 2, 0), torch.tensor(np.asarray(upright) / 255).float())
    bright = got[0, 0].mean(0), got[0, 0].mean(1)
    assert (bool(bright[1][0] > 0.2), bool(bright[0][0] > 0.2)) == {
        1: (True, True),
        2: (True, False),
        3: (False, False),
        4: (False, True),
        5: (True, True),
        6: (True, False),
        7: (False, False),
        8: (False, True),
    }[orientation]


@pytest.mark.parametrize(
    ("pixels", "suffix", "expected"),
    [
        (np.array([[0, 0.25, -1, 7]], np.float32), "tiff", [0, 0.25, -1, 7]),
        (np.array([[0, 2**31 - 1, -(2**31 - 1)]], np.int32), "tiff", [0, 1, -1]),
        (np.array([[0, 65535]], np.uint16), "tiff", [0, 1]),
        (np.array([[0, 65535]], np.uint16), "png", [0, 1]),
        (np.array([[0, 65535]], np.uint16), "pgm", [0, 1]),
    ],
)
def test_pictures_are_scaled_by_the_type_of_their_pixels(
    tmp_path: Path, pixels: Any, suffix: str, expected: Any
) -> None:
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(pixels).save(path)
    torch.testing.assert_close(read_input(path).flatten(), torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize(("resize", "size"), [("3", (2, 3)), ("64", (43, 64)), ("5x4", (4, 5))])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff"])
def test_a_picture_that_is_too_large_can_be_made_smaller(
    tmp_path: Path, resize: str, size: tuple[int, int], suffix: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(np.full((200, 300, 3), 51, np.uint8)).save(path)
    assert "180000 elements are more than 10000; --resize 64 makes it smaller" in _refused(path, limit=10_000)
    got = read_input(read_file(str(path), read_resize(resize)), limit=10_000)
    assert got.shape == (1, 3, *size)
    torch.testing.assert_close(got, torch.full_like(got, 0.2))


def test_resizing_follows_the_orientation_and_keeps_the_range(tmp_path: Path) -> None:
    path = tmp_path / "x.tiff"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.eye(30, 60, dtype=np.float32)).save(path, exif=exif)
    got = read_input(read_file(str(path), (10,)))
    assert got.shape == (1, 1, 10, 5)
    assert 0 <= got.min() < got.max() <= 1


def test_only_pictures_are_resized(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones(2))
    with pytest.raises(UserError, match="only a picture can be resized"):
        read_file(str(tmp_path / "x.npy"), (64,))


@pytest.mark.parametrize("size", [(9000, 9000), (30_000, 30_000), (60_000, 60_000)])
def test_a_picture_bomb_is_said_to_be_too_large(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "x.bmp"
    Image.new("1", (1, 1)).save(path)
    whole = bytearray(path.read_bytes())
    whole[18:26] = struct.pack("<ii", *size)
    path.write_bytes(whole)
    assert "damaged" not in _refused(path)
    with pytest.raises(UserError, match="make it smaller first"):
        read_input(read_file(str(path), (64,)))
