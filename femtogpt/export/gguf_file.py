"""A model as a GGUF file, which llama.cpp, Ollama and LM Studio read."""

from __future__ import annotations

import re
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Format
from gguf import LlamaFileType

from femtogpt import __version__
from femtogpt.errors import UserError
from femtogpt.export.pieces import PieceType, Vocabulary
from femtogpt.export.trained_model import TrainedModel
from femtogpt.model.gpt import EPS

TYPES = {  # of the matrices, and how the file calls that
    "f32": (Format.F32, LlamaFileType.ALL_F32),
    "f16": (Format.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (Format.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}
VERSION = "femtogpt.version"  # by which an export is told from another's file
BLOCK = 32  # weights of a row that share a scale in q8_0
CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}"  # the text as it is
WHOLE = {"embed_tokens": "token_embd", "norm": "output_norm"}
IN_LAYERS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def write_gguf(run: Path, path: Path, type: str = "f16") -> None:
    """Write the model in a run's folder as a GGUF file (see ``write_gguf_model``).

    Raises UserError if there is no model in the folder.
    """
    write_gguf_model(TrainedModel.load(run), path, type, run.name)


def write_gguf_model(model: TrainedModel, path: Path, type: str, name: str) -> None:
    """Write a model as a GGUF file; ``type`` is one of TYPES, ``name`` what programs show.

    The head is the embedding, so there is no matrix of its own. Norms stay in float32. Raises
    UserError if the model does not fit into this type.
    """
    format, file_type = TYPES[type]
    if type == "q8_0" and (model.shape.width % BLOCK or model.shape.hidden % BLOCK):
        raise UserError(
            f"q8_0 needs widths that are multiples of {BLOCK}, and this model has"
            f" {model.shape.width} and {model.shape.hidden}: use --type f16"
        )
    writer = gguf.GGUFWriter(path, "qwen3")
    try:
        writer.add_name(name)
        writer.add_string(VERSION, __version__)
        writer.add_file_type(file_type)
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _add_shape(writer, model)
        _add_tokenizer(writer, model)
        for tensor, weight in model.weights.items():
            if weight.ndim == 1:
                writer.add_tensor(_gguf_name(tensor), weight)
            else:
                writer.add_tensor(_gguf_name(tensor), _packed(weight, format), raw_dtype=format)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def names_like_signs(vocabulary: Vocabulary) -> list[str]:
    """A person's special pieces with names as other models' signs have: <|im_end|>, [EOT].

    llama.cpp knows some by their names, whatever the file says of them.
    """
    pieces = (piece for piece in vocabulary.pieces if piece.type == PieceType.USER_DEFINED)
    return [piece.text for piece in pieces if re.fullmatch(r"_?<[!-~]+>|\[[!-~]+\]", piece.text)]


def _add_shape(writer: gguf.GGUFWriter, model: TrainedModel) -> None:
    shape = model.shape
    writer.add_vocab_size(len(model.vocabulary.pieces))
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_value_heads)
    writer.add_key_length(shape.head_size)
    writer.add_value_length(shape.head_size)
    writer.add_layer_norm_rms_eps(EPS)
    writer.add_rope_freq_base(shape.rope_theta)


def _add_tokenizer(writer: gguf.GGUFWriter, model: TrainedModel) -> None:
    """The pieces, and how a text begins and ends; what is left out has other defaults."""
    vocabulary = model.vocabulary
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([piece.text for piece in vocabulary.pieces])
    writer.add_token_scores([piece.score for piece in vocabulary.pieces])
    writer.add_token_types([int(piece.type) for piece in vocabulary.pieces])
    writer.add_bos_token_id(vocabulary.end)
    writer.add_eos_token_id(vocabulary.end)
    writer.add_unk_token_id(vocabulary.unknown)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_remove_extra_whitespaces(False)
    writer.add_chat_template(CHAT)


def _packed(weight: np.ndarray, format: Format) -> np.ndarray:
    """A matrix in this format. Raises UserError if it is beyond the numbers of float16."""
    with np.errstate(over="ignore"):
        packed: np.ndarray = gguf.quantize(weight, format)
    if format == Format.F16 and not np.isfinite(packed).all():
        raise UserError("the model has weights that f16 cannot hold: use --type f32")
    return packed


def _gguf_name(name: str) -> str:
    """A tensor's name in GGUF, from that in ``femtogpt.model.gpt``."""
    stem = name.removesuffix(".weight")
    if stem in WHOLE:
        return f"{WHOLE[stem]}.weight"
    _, layer, part = stem.split(".", 2)
    return f"blk.{layer}.{IN_LAYERS[part]}.weight"
