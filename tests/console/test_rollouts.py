"""Rollouts in a browser: one that a person ends, and one that goes through by itself."""

from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.console.asking_meanwhile import asking
from tests.console.config import TWIN
from tests.console.conftest import URL, take_picture

# Equal releases pass it after some hundred requests. The machine is shared: the margins are wide.
SMALL = {
    "steps": [
        {"weight": 0.25, "min_requests": 40, "goes_on": "unless_worse"},
        {"weight": 0.5, "min_requests": 60},
    ],
    "baseline_ratio": 1.0,
    "warm_up_s": 0,
    "block_s": 1,
    "min_effective_requests": 30,
    "max_false_promotions": 0.2,
    "guardrails": {
        **{name: {"margin": 2.0} for name in ("total_ms", "ttft_ms")},
        **{
            name: {"margin": 0.9}
            for name in ("error", "truncated", "refused", "degraded", "blocked")
        },
        **{
            name: {"margin": 0.9, "rolls_back": "never"}
            for name in ("total_ms.tail", "ttft_ms.tail", "tpot_ms")
        },
    },
}


def begin(key: str, canary: str, policy: dict[str, Any]) -> str:
    """Begins a rollout as `ragserve rollout start --policy` does, and returns its id."""
    headers = {"Authorization": f"Bearer {key}"}
    body = {"canary": canary, "policy": policy, "by": "test"}
    with httpx.Client(base_url=URL, timeout=30, headers=headers) as client:
        client.delete("/admin/traffic")
        response = client.post("/admin/rollouts", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def points(picture: Locator) -> int:
    """Returns of how many points the line of a picture is made."""
    return len((picture.get_attribute("points") or "").split())


def test_one_is_started_watched_and_aborted(operator: Page) -> None:
    operator.goto(f"{URL}/console#/rollout")
    with asking():
        operator.get_by_text("Start a rollout").click()
        operator.get_by_label("Release to try").select_option("brief")
        operator.get_by_label("Stages, in percent").fill("50")
        operator.get_by_role("button", name="Start it").click()
        rollout = operator.get_by_role("region", name="Rollout of brief")
        expect(rollout).to_contain_text("running")
        picture = rollout.locator(".sequence .band").first
        picture.wait_for(state="attached", timeout=120_000)
        before = picture.get_attribute("points")
        operator.wait_for_function(
            "before => document.querySelector('.sequence .band').getAttribute('points') !== before",
            arg=before,
            timeout=60_000,
        )
        rollout.get_by_role("button", name="abort").click()
        rollout.get_by_label("Why, for the record").fill("seen enough")
        rollout.get_by_label("Type abort to go on").fill("abort")
        rollout.get_by_role("button", name="Do it").click()
        expect(rollout).to_contain_text("rolled back")
        expect(rollout).to_contain_text("seen enough")


def test_one_of_two_equal_releases_is_promoted_by_itself(
    operator: Page, operators_key: str
) -> None:
    with asking():
        begin(operators_key, TWIN, SMALL)
        # Half a minute goes by before anybody looks: the picture is whole all the same.
        operator.wait_for_timeout(30_000)
        operator.goto(f"{URL}/console#/rollout")
        operator.reload()
        rollout = operator.get_by_role("region", name=f"Rollout of {TWIN}")
        line = rollout.locator(".sequence .change").first
        line.wait_for(state="attached")
        assert points(line) >= 2
        expect(rollout.locator(".outcome", has_text="promoted")).to_be_visible(timeout=240_000)
    expect(rollout.locator(".history")).to_contain_text("promote")
    expect(rollout.get_by_role("button", name="abort")).to_have_count(0)
    operator.set_viewport_size({"width": 1280, "height": 1000})
    take_picture(operator, "rollout")
    with httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {operators_key}"}) as client:
        assert client.get("/admin/traffic").json()["weights"].get(TWIN) == 1.0
        client.delete("/admin/traffic")
