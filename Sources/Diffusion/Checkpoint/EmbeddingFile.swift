private import Foundation
internal import TensorEngine

/// The vectors of a textual inversion, in either of the layouts that it is shipped in.
///
/// - Reference: diffusers `loaders/textual_inversion.py`, `_retrieve_tokens_and_embeddings`;
///   AUTOMATIC1111/stable-diffusion-webui `modules/textual_inversion/textual_inversion.py`.
struct EmbeddingFile: Sendable {
  /// The word that stands for it.
  let word: String
  /// `[vector, width]`, of the first text encoder.
  let vectors: Tensor
  /// What the file calls them.
  private let name: String
  /// Those of SDXL's second text encoder, as many; `nil` in other embeddings.
  private let secondVectors: Tensor?
  let path: String

  /// What the web UI calls the vectors; the file's own name is then the word.
  private static let webUINames = ["emb_params", "string_to_param.*", "string_to_param"]

  /// What files for SDXL call the vectors of its text encoders.
  private static let (firstOfTwo, secondOfTwo) = ("clip_l", "clip_g")
  private static let bothOfTwo = "\(firstOfTwo) and \(secondOfTwo)"

  /// Words that mean something else where words are named.
  private static let reserved = ["<start>", "<end>", "<padding>"]

  /// Reads the file.
  ///
  /// - Throws: ``DiffusionError/wrongFile(path:what:advice:)`` for a pickled file,
  ///   ``DiffusionError/notRunnable(path:what:advice:)`` for another kind of file, `FileError` for a
  ///   damaged one.
  init(_ inversion: TextualInversion) throws {
    path = inversion.path
    if PickledFile.isOne(path) { throw PickledFile.refusal(path) }
    let file = try OfferedFile.safetensors(path)
    let own = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let isOfTwo = file.entry(Self.secondOfTwo) != nil
    if isOfTwo || file.entry(Self.firstOfTwo) != nil {
      guard file.entry(Self.firstOfTwo) != nil else {
        throw DiffusionError.notRunnable(
          path: path,
          what: "half of an embedding for Stable Diffusion XL, with \(Self.secondOfTwo) alone",
          advice: "give a file with \(Self.bothOfTwo)")
      }
      name = Self.firstOfTwo
      word = inversion.word ?? own
    } else if let stored = Self.webUINames.first(where: { file.entry($0) != nil }) {
      name = stored
      word = inversion.word ?? file.metadata.first { $0.key == "name" }?.value ?? own
    } else if file.names.count == 1 {
      name = file.names[0]
      word = inversion.word ?? name
    } else {
      throw Self.refusal(file)
    }
    guard !word.isEmpty, !word.contains(where: \.isWhitespace), !Self.reserved.contains(word) else {
      throw DiffusionError.invalidRequest(
        what: "the word of the embedding \(path)", got: FileError.quoted(word),
        expected: "a word without white space other than \(Self.reserved.joined(separator: ", "))")
    }
    vectors = try Self.vectors(name, in: file)
    secondVectors = isOfTwo ? try Self.vectors(Self.secondOfTwo, in: file) : nil
    if let secondVectors, secondVectors.shape[0] != vectors.shape[0] {
      throw FileError(
        .malformed, path: path, subject: Self.secondOfTwo,
        reason: "expected \(vectors.shape[0]) vectors, as many as in \(name), got "
          + "\(secondVectors.shape[0])")
    }
  }

  private static func vectors(_ name: String, in file: SafetensorsFile) throws -> Tensor {
    let tensor = try file.tensor(name)
    guard (1...2).contains(tensor.shape.count), tensor.count > 0, tensor.isFinite else {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(name),
        reason: tensor.isFinite
          ? "expected [vector, width], got the shape \(tensor.shape)"
          : "expected finite numbers, got NaN or infinity")
    }
    return tensor.shape.count == 1 ? tensor.reshaped([1, tensor.count]) : tensor
  }

  /// The error about an embedding for one text encoder where there are two.
  private var halfRefusal: DiffusionError {
    .notRunnable(
      path: path,
      what: "an embedding for one text encoder, by its \(FileError.printable(name)) of width "
        + "\(vectors.shape[1])",
      advice: "Stable Diffusion XL has two: give a file with \(Self.bothOfTwo)")
  }

  /// The error about an embedding for two text encoders where there is one.
  private var wholeRefusal: DiffusionError {
    .notRunnable(
      path: path,
      what: "an embedding for Stable Diffusion XL, by its \(Self.bothOfTwo)",
      advice: "the checkpoint has one text encoder: give an embedding that was trained for it")
  }

  /// What a file is that is no embedding of the models that Heed runs.
  private static func refusal(_ file: SafetensorsFile) -> DiffusionError {
    let names = Set(file.names)
    let advice =
      "an embedding has one tensor, named by its word or emb_params, or for SDXL \(bothOfTwo)"
    if names.contains(where: { $0.contains("lora") }) {
      return .notRunnable(path: file.path, what: "a LoRA", advice: "add it as one, with --lora")
    }
    return .notRunnable(path: file.path, what: "a file of \(names.count) tensors", advice: advice)
  }

  /// The vectors by the ids that a tokenizer gave them.
  ///
  /// - Parameters:
  ///   - width: that of the text encoder.
  ///   - part: which text encoder it is.
  ///   - isXL: whether there are two.
  /// - Throws: ``DiffusionError/notRunnable(path:what:advice:)`` for vectors of another model.
  func rows(
    _ ids: [Int], width: Int, of part: CheckpointPart, isXL: Bool
  ) throws -> [Int: [Float]] {
    guard isXL == (secondVectors != nil) else {
      throw isXL ? halfRefusal : wholeRefusal
    }
    let isSecond = part == .secondTextEncoder
    let vectors = isSecond ? secondVectors ?? self.vectors : self.vectors
    guard vectors.shape[1] == width, ids.count == vectors.shape[0] else {
      throw DiffusionError.notRunnable(
        path: path,
        what: FileError.printable(isSecond ? Self.secondOfTwo : name)
          + ", an embedding of width \(vectors.shape[1])",
        advice: "the checkpoint's \(part.title) has width \(width), so it is for another model")
    }
    let values = vectors.values
    return Dictionary(
      uniqueKeysWithValues: ids.enumerated().map { place, id in
        (id, Array(values[place * width..<(place + 1) * width]))
      })
  }
}
