"""Padding: a border round the input, and where each of its values comes from."""

from __future__ import annotations

from torchreel.scenes.padding import operators
from torchreel.scenes.padding.story import BlockPadding, PlanePadding


class ReflectionPad1d(PlanePadding):
    operator = operators.ReflectionPad1d


class ReflectionPad2d(PlanePadding):
    operator = operators.ReflectionPad2d


class ReflectionPad3d(BlockPadding):
    operator = operators.ReflectionPad3d


class ReplicationPad1d(PlanePadding):
    operator = operators.ReplicationPad1d


class ReplicationPad2d(PlanePadding):
    operator = operators.ReplicationPad2d


class ReplicationPad3d(BlockPadding):
    operator = operators.ReplicationPad3d


class ZeroPad1d(PlanePadding):
    operator = operators.ZeroPad1d


class ZeroPad2d(PlanePadding):
    operator = operators.ZeroPad2d


class ZeroPad3d(BlockPadding):
    operator = operators.ZeroPad3d


class ConstantPad1d(PlanePadding):
    operator = operators.ConstantPad1d


class ConstantPad2d(PlanePadding):
    operator = operators.ConstantPad2d


class ConstantPad3d(BlockPadding):
    operator = operators.ConstantPad3d


class CircularPad1d(PlanePadding):
    operator = operators.CircularPad1d


class CircularPad2d(PlanePadding):
    operator = operators.CircularPad2d


class CircularPad3d(BlockPadding):
    operator = operators.CircularPad3d
