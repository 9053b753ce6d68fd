"""Contact sheets: they show what there is to look at, two frames of 800 px a row."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from torchreel.assets.errors import UserError
from torchreel.assets.examples import examples
from torchreel.render import contact_sheet
from torchreel.scenes.stage.scene import Section


def sections(*lengths: float) -> list[Section]:
    """Beats of the given lengths in seconds, one after another."""
    ends = [sum(lengths[: number + 1]) for number in range(len(lengths))]
    return [
        Section(f"beat{n}", end - length, end, {}, ())
        for n, (end, length) in enumerate(zip(ends, lengths, strict=True))
    ]


def test_every_slow_beat_is_shown_and_of_a_long_sweep_some() -> None:
    beats = sections(1.0, 1.2, *[0.2] * 60, 2.4)
    shown = [label.split()[1] for _, label in contact_sheet.pick(beats, 20)]
    assert {"beat0", "beat1", "beat62"} <= set(shown)
    assert 10 <= len(shown) <= 21


def test_times_are_within_their_beats_and_go_on() -> None:
    beats = sections(1.0, 0.2, 0.2, 2.0, 3.0)
    moments = list(contact_sheet.pick(beats, 12))
    times = [time for time, _ in moments]
    assert times == sorted(times)
    for time, label in moments:
        beat = beats[int(label.split()[0]) - 1]
        assert beat.start <= time < beat.end


def test_names_mean_an_operators_examples_one_of_them_or_all() -> None:
    assert [one.name for one in contact_sheet.clips(["Conv1d"])] == list(examples()["Conv1d"])
    assert [one.name for one in contact_sheet.clips(["Conv1d:stride"])] == ["stride"]
    assert len(contact_sheet.clips([])) == sum(map(len, examples().values()))
    with pytest.raises(UserError, match="Conv2d"):
        contact_sheet.clips(["Conv2dd"])


def test_a_wrong_name_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        contact_sheet.main(["Conv2dd"])
    assert stopped.value.code == 2
    assert "Did you mean 'Conv2d'?" in capsys.readouterr().err


def test_a_sheet_is_written_for_each_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contact_sheet.main(["Conv1d:dilation", "--lang", "en", "--frames", "4", "-o", str(tmp_path)])
    names = [f"Conv1d-dilation.en.{look}.png" for look in ("light", "dark")]
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in names]
    for name, corner in zip(names, ((255, 255, 255), (13, 17, 23)), strict=True):
        with Image.open(tmp_path / name) as sheet:
            assert sheet.width == 1600
            assert sheet.height % 472 == 0
            assert sheet.convert("RGB").getpixel((20, 22 + 60)) == corner
