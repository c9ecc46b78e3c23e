/// A word that a text encoder does not know, with embeddings of its own: a file, and the word.
///
/// - Reference: Gal et al., An Image is Worth One Word: Personalizing Text-to-Image Generation using
///   Textual Inversion, ICLR 2023.
public struct TextualInversion: Sendable, Equatable {
  /// The safetensors file, in the layout of diffusers or of AUTOMATIC1111's web UI.
  public let path: String
  /// The word that stands for it in prompts; `nil` for the one that the file names, or else the file's
  /// own name.
  public let word: String?

  /// A word by the file of its embeddings.
  public init(path: String, word: String? = nil) {
    self.path = path
    self.word = word
  }
}
