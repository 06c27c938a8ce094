"""Which prompts share vLLM's prefix cache."""

from deployments.generator.vllm.engine import cache_salt


def test_each_tenant_shares_its_prefix_cache_with_itself() -> None:
    salts = [cache_salt(tenant).get("cache_salt") for tenant in ("default", "acme", "beta")]
    assert salts == [None, "acme", "beta"]
