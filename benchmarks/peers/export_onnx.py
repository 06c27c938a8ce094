"""`python export_onnx.py MODEL_FOLDER FILE`: an encoder's graph for ONNX Runtime.

Runs in the peer's environment, by its file name: nothing of this project is there.
"""

import sys
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUT = "last_hidden_state"


class _TokenVectors(torch.nn.Module):
    """The encoder with inputs by place, as the exporter wants them."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        named = dict(zip(_INPUTS, inputs, strict=True))
        output: torch.Tensor = self.encoder(**named).last_hidden_state
        return output


def export(folder: str, file: str) -> None:
    """Writes the graph; its batch size and number of tokens stay free."""
    encoder = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    example = tokenizer(["one text", "a text of more words"], padding=True, return_tensors="pt")
    free = {name: {0: "batch", 1: "tokens"} for name in (*_INPUTS, _OUTPUT)}
    torch.onnx.export(
        _TokenVectors(encoder),
        tuple(example[name] for name in _INPUTS),
        file,
        input_names=list(_INPUTS),
        output_names=[_OUTPUT],
        dynamic_axes=free,
        opset_version=17,
        # The other exporter fixes the batch size of the example.
        dynamo=False,
    )


if __name__ == "__main__":
    export(sys.argv[1], sys.argv[2])
