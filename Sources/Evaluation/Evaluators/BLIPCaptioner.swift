internal import Diffusion
public import Pictures
internal import PromptText
internal import TensorEngine

/// Says in words what a picture shows.
///
/// - Reference: Li et al., BLIP, ICML 2022; transformers `models/blip/modeling_blip.py`,
///   `BlipForConditionalGeneration`.
public struct BLIPCaptioner: Sendable {
  let folder: EvaluatorFolder
  let processor: PictureProcessor
  let tokenizer: WordPieceTokenizer
  let vision: VisionTransformer
  let decoder: BERTDecoder

  /// Reads a checkpoint as transformers saves it: `config.json`, `model.safetensors`,
  /// `preprocessor_config.json`, and `tokenizer.json` or `vocab.txt`.
  ///
  /// - Parameter path: the folder; `nil` for the captioner that comes with Heed.
  /// - Throws: `FileError`, `DiffusionError` or `TextError` for one that is not of this kind, damaged, or
  ///   not whole.
  public init(_ path: String? = nil) throws {
  }
}
