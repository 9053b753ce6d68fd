"""Every operator is called in every way the strategies know, and each call is traced to torch's own result."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchreel.scenes.catalogue import names_known
from torchreel.tests.calls import check_call
from torchreel.tests.strategies import calls, makers

# Figures are of several modules, and of no call.
NAMES = [name for name in names_known() if hasattr(nn, name)]


def test_every_operator_has_calls_of_its_own() -> None:
    assert makers().keys() == set(NAMES)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12)
@given(data=st.data())
def test_any_valid_call_is_traced_to_torchs_own_result(name: str, data: st.DataObject) -> None:
    module, inputs, kwargs = data.draw(calls(name))
    assert type(module) is getattr(nn, name)
    check_call(module, *inputs, **kwargs)
