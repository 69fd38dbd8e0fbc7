"""Source code to token ids, the same ids as in training."""

from codewren._native import Tokenizer as NativeTokenizer
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.core.errors import BundleError, InputError


class Tokenizer:
    """A tokenizer ready to run; threads may share it.

    Special tokens never come from the text, however it is written: `<s>` in a string literal is three characters.

    Raises:
        BundleError: the native core refuses the specification.
    """

    def __init__(self, spec: TokenizerSpec) -> None:
        self.spec = spec
        try:
            self._native = NativeTokenizer(
                kind=str(spec.kind),
                vocab=spec.vocab,
                merges=spec.merges,
                scores=spec.scores,
                lowercase=spec.lowercase,
                nfkd=spec.nfkd,
                strip_accents=spec.strip_accents,
                add_prefix_space=spec.add_prefix_space,
                add_special_tokens=spec.add_special_tokens,
            )
        except ValueError as error:
            raise BundleError(f"tokenizer: {error}; the bundle is damaged or foreign") from None

    @property
    def native(self) -> NativeTokenizer:
        """The C++ object, for the kernel."""
        return self._native

    def normalize(self, code: str) -> str:
        """White space collapsed and Unicode normalised as the specification says: what the model's words are cut from.

        Raises:
            InputError: the text holds surrogate escapes.
        """
        try:
            text: str = self._native.normalize(code)
        except UnicodeEncodeError as error:
            raise _not_text(error) from None
        return text

    def encode(self, code: str, max_length: int) -> list[int]:
        """Ids of source code as it stands in a file, at most `max_length` with `<s>` and `</s>`.

        Raises:
            InputError: the text holds surrogate escapes.
        """
        try:
            ids: list[int] = self._native.encode(code, max_length)
        except UnicodeEncodeError as error:
            raise _not_text(error) from None
        return ids

    def encode_batch(self, codes: list[str], max_length: int) -> list[list[int]]:
        """`encode` of each text, while other Python threads run.

        Raises:
            InputError: a text holds surrogate escapes.
        """
        try:
            batch: list[list[int]] = self._native.encode_batch(codes, max_length)
        except UnicodeEncodeError as error:
            raise _not_text(error) from None
        return batch


def _not_text(error: UnicodeEncodeError) -> InputError:
    code = ord(error.object[error.start])
    return InputError(
        f"code holds the surrogate U+{code:04X} at character {error.start}, so it is not Unicode text; "
        "decode the file with errors='replace'"
    )
