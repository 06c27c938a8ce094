"""Live settings of what people may say of answers."""

from deployments.settings import Settings


class FeedbackSettings(Settings):
    """Whether answers can be rated. What is said is kept by the control application, which says for
    how long (`tracker.retention`); texts are kept as `recording.content` says of the key."""

    enabled: bool = True
    """Whether `/v1/feedback` takes ratings, and the ids of answers are kept for them."""
