"""What is found out for one is found out for all, for a while."""

import asyncio

import pytest

from deployments.serving.kept import Kept


class Source:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.now_s = 0.0
        self.is_broken = False

    async def read(self, key: int) -> str:
        self.asked.append(key)
        await asyncio.sleep(0)
        if self.is_broken:
            raise ValueError("it broke")
        return f"{key} at {self.now_s}"


def kept(source: Source) -> Kept[int, str]:
    return Kept(source.read, for_s=4.0, now=lambda: source.now_s)


async def test_all_who_ask_meanwhile_get_the_same() -> None:
    source = Source()
    values = kept(source)
    assert await asyncio.gather(*(values.get(1) for _ in range(10))) == ["1 at 0.0"] * 10
    source.now_s = 3.9
    assert await values.get(1) == "1 at 0.0"
    assert source.asked == [1]
    source.now_s = 4.0
    assert await values.get(1) == "1 at 4.0"


async def test_another_key_is_another_value() -> None:
    source = Source()
    values = kept(source)
    assert [await values.get(1), await values.get(2)] == ["1 at 0.0", "2 at 0.0"]


async def test_an_error_is_not_kept() -> None:
    source = Source()
    values = kept(source)
    source.is_broken = True
    with pytest.raises(ValueError, match="broke"):
        await values.get(1)
    source.is_broken = False
    assert await values.get(1) == "1 at 0.0"
