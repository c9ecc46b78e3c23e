private import Foundation
package import Pictures
internal import Synchronization
package import TensorEngine

/// How like its prompt a picture is to CLIP: the whole prompt, each half, and the worse of both halves.
///
/// A text's vector is the mean of those of 80 sentences with it. Scores are cosines, with no factor and not
/// cut at 0.
///
/// - Reference: Chefer et al., Attend-and-Excite, SIGGRAPH 2023, section 5;
///   `metrics/compute_clip_similarity.py` and `metrics/imagenet_utils.py`.
package final class CLIPScorer: Sendable {
  /// The model that scores.
  package let model: CLIPModel
  /// What becomes of articles in the sentences.
  package let replacements: PromptTemplates.Replacements
  private let cache = TextCache()
  /// Texts with a sentence that the model's window cuts.
  private let cut = Mutex<Set<String>>([])

  /// Opens the model in a folder, or that which comes with Heed.
  /// - Throws: `DiffusionError`, `FileError` or `TextError`, in one line.
  package init(
    folder: String? = nil, replacements: PromptTemplates.Replacements = .official
  ) throws {
    model = try CLIPModel(EvaluatorFolder(folder, orEmbedded: "clip", of: [.clip]))
    self.replacements = replacements
  }

  /// What CLIP says of a picture.
  ///
  /// The values are cosines: `full` of the prompt; where it has halves, `first` and `second` of them, and
  /// `minimum`, the smaller of both. `cut`, where it is there, counts those of these texts whose sentences the
  /// model's window cuts.
  /// - Parameters:
  ///   - method: the name of the method that made the picture.
  ///   - seed: the seed of its run.
  /// - Throws: `EvaluationError` for a picture too narrow, `DiffusionError` when a result is not finite.
  package func score(
    _ prompt: SuitePrompt, _ picture: Picture, method: String, seed: UInt64
  ) throws -> PictureScore {
    try score(prompt, model.vector(of: picture), method: method, seed: seed)
  }

  /// As ``score(_:_:method:seed:)`` of several pictures, which go through the model together.
  func scores(_ shown: [PictureScorer.Shown]) throws -> [PictureScore] {
    let pixels = Mutex([Result<Tensor, any Error>?](repeating: nil, count: shown.count))
    Parallel.forEach(shown.count) { index in
      let result = Result { try model.preprocessing(shown[index].picture) }
      pixels.withLock { $0[index] = result }
    }
    let planes = try pixels.withLock { try $0.compactMap { try $0?.get() } }
    let vectors = try model.vectors(ofPixels: .concatenated(planes, axis: 0))
    return try shown.enumerated().map { index, shown in
      try score(
        shown.prompt, vectors.sliced(axis: 0, index..<index + 1), method: shown.method,
        seed: shown.seed)
    }
  }

  /// What CLIP says of a picture's vector, `[1, width]`.
  private func score(
    _ prompt: SuitePrompt, _ vector: Tensor, method: String, seed: UInt64
  ) throws -> PictureScore {
    var values = ["full": try cosine(vector, prompt.prompt)]
    var texts = [prompt.prompt]
    // Of more parts than two, the first two are the halves.
    if let parts = AttendAndExcitePrompt.parts(of: prompt.prompt) {
      let (first, second) = (parts[0], parts[1])
      let halves = (try cosine(vector, first), try cosine(vector, second))
      (values["first"], values["second"]) = halves
      values["minimum"] = min(halves.0, halves.1)
      texts += [first, second]
    }
    let known = cut.withLock { $0 }
    let count = texts.count { known.contains($0) }
    if count > 0 { values["cut"] = Double(count) }
    return PictureScore(
      scorer: "clip", model: model.title, id: prompt.id, method: method, seed: seed,
      values: values)
  }

  /// The cosine of a caption's own vector and a prompt's mean vector: "text–text".
  /// - Throws: `DiffusionError` when a result is not finite.
  package func similarity(ofCaption caption: String, toPrompt prompt: String) throws -> Double {
    try cosine(model.vectors(of: [caption]), prompt)
  }

  /// The mean vector of a text's sentences, `[1, width]`, of length 1.
  package func vector(of text: String) throws -> Tensor {
    try cache.vector(of: text) {
      let sentences = PromptTemplates.sentences(of: text, replacements)
      if sentences.contains(where: model.text.cuts) { _ = cut.withLock { $0.insert(text) } }
      let mean = try model.vectors(of: sentences).meanOverFirstAxis
      return mean.reshaped([1, mean.count]).unitRows()
    }
  }

  private func cosine(_ vector: Tensor, _ text: String) throws -> Double {
    let other = try self.vector(of: text)
    return Double((vector * other.reshaped([other.count])).sum.item)
  }
}
