package import AttentionAnalysis
private import Foundation
package import Pictures
internal import PromptText
internal import TensorEngine

/// Whether a picture shows the subjects of its prompt, where, in which colours, and in which relations.
///
/// A subject is found where the best score of "a photo of a SUBJECT" over all patches is at least the
/// threshold. Its colour is that whose query, "a COLOUR SUBJECT", has the best score of all patches among the 11
/// colours of Attend-and-Excite's benchmark. Other attributes, and relations that the centres of boxes do not tell,
/// are not asked.
///
/// - Reference: Gokhale et al., Benchmarking Spatial Relationships in Text-to-Image Generation, arXiv
///   2212.10015, for the queries, object accuracy and relations.
package final class OWLViTDetector: Sendable {
  /// The model that detects.
  package let model: OWLViTModel
  /// The score from which on something counts as found, 0…1.
  package let threshold: Double
  /// Where the threshold is from, for people.
  package let thresholdSource: String
  private let cache = TextCache()

  /// What VISOR's authors use, and transformers unless told otherwise.
  package static let usualThreshold = 0.1

  /// Logits that differ by less are a tie: computations on different machines differ by as much.
  private static let tie: Float = 1e-4

  /// Opens the model in a folder, or that which comes with Heed.
  /// - Parameter threshold: `nil` for that of the folder's `accuracy.json`, or ``usualThreshold`` where there
  ///   is none.
  /// - Throws: `DiffusionError`, `FileError` or `TextError`, in one line.
  package init(folder: String? = nil, threshold: Double? = nil) throws {
    let folder = try EvaluatorFolder(folder, orEmbedded: "owlvit", of: [.owlvit, .owlv2])
    model = try OWLViTModel(folder)
    let own = folder.path + "/accuracy.json"
    if let threshold {
      (self.threshold, thresholdSource) = (threshold, "as given")
    } else if FileManager.default.fileExists(atPath: own) {
      let node = try StrictJSON.read(path: own).member("threshold")
      self.threshold = try node.double()
      guard (0...1).contains(self.threshold) else {
        throw node.failure("expected a threshold in 0…1, got \(self.threshold)")
      }
      thresholdSource = "from \(own)"
    } else {
      (self.threshold, thresholdSource) = (Self.usualThreshold, "VISOR's")
    }
  }

  /// What is asked about a subject.
  package static func query(_ subject: String) -> String { "a photo of a " + subject }

  /// What is asked about a subject's colour.
  package static func query(_ subject: String, color: String) -> String { "a \(color) \(subject)" }

  /// What the detector says of a picture.
  ///
  /// The values: `found`, the share of subjects that are found, and `all`, whether all are, 1 or 0, which is
  /// VISOR's object accuracy; `colours`, the share of the found subjects with a colour in the prompt that have
  /// it, of no other colour scoring as much; `wrong-colour`, whether a found subject has the colour that the
  /// prompt gives to another one, 1 or 0; `ties`, how many found subjects have several colours that score the
  /// same, which count as neither; `missing`, whether a subject is not found; `relations`, the share of
  /// relations that hold, which need both subjects; `right`, whether all subjects are found, each in the colour that
  /// the prompt gives it, and all relations hold, 1 or 0. What the prompt does not ask has no value, and where it has
  /// an attribute or a relation that cannot be asked, there is no `right`. `cut`, where it is there, counts queries
  /// that the model's window cuts.
  /// - Parameters:
  ///   - method: the name of the method that made the picture.
  ///   - seed: the seed of its run.
  /// - Throws: `EvaluationError` for a picture too narrow, `DiffusionError` when a result is not finite.
  package func score(
    _ prompt: SuitePrompt, _ picture: Picture, method: String, seed: UInt64
  ) throws -> PictureScore {
    let subjects = prompt.subjects.reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    var values: [String: Double] = [:]
    var detections: [SubjectDetection] = []
    if !subjects.isEmpty {
      // A colour that the prompt gives to one subject may show in any other.
      let colored = Self.colors(of: prompt).isEmpty ? [] : subjects
      let queries =
        subjects.map { Self.query($0) }
        + colored.flatMap { subject in ColorWord.all.map { Self.query(subject, color: $0) } }
      let features = try model.features(ofPixels: model.preprocessing(picture))
      let logits = try model.logits(features, of: vectors(of: queries))
      let offsets = try model.boxOffsets(features)
      let best = logits.columnMaxima
      for (subject, (patch, logit)) in zip(subjects, best) {
        let score = OWLViTModel.sigmoid(logit)
        let first = colored.firstIndex(of: subject).map {
          subjects.count + $0 * ColorWord.all.count
        }
        detections.append(
          SubjectDetection(
            subject: subject, score: score,
            box: model.corners(model.box(patch, offsets), of: picture),
            isFound: score >= threshold,
            colors: first.map { Self.colors(best[$0..<$0 + ColorWord.all.count].map(\.value)) }))
      }
      let own = logits.sliced(axis: 1, 0..<subjects.count)
      values = Self.values(
        of: detections, relations: relations(prompt, subjects, own, offsets, picture), prompt)
      let cut = queries.count { model.text.cuts($0) }
      if cut > 0 { values["cut"] = Double(cut) }
    }
    return PictureScore(
      scorer: "owl", model: model.title, id: prompt.id, method: method, seed: seed,
      values: values, detections: detections)
  }

  /// Every patch of a picture whose best query scores more than the threshold.
  /// - Returns: the query, its score, and the box as shares of the picture's sides, in the order of patches.
  package func detections(
    of queries: [String], in picture: Picture, threshold: Double? = nil
  ) throws -> [(query: Int, score: Double, box: [Double])] {
    let features = try model.features(ofPixels: model.preprocessing(picture))
    return try detections(
      model.logits(features, of: vectors(of: queries)), model.boxOffsets(features), picture,
      threshold ?? self.threshold)
  }

  private func detections(
    _ logits: Tensor, _ offsets: Tensor, _ picture: Picture, _ threshold: Double
  ) -> [(query: Int, score: Double, box: [Double])] {
    logits.rowMaxima.enumerated().compactMap { patch, best in
      let score = OWLViTModel.sigmoid(best.value)
      guard score > threshold else { return nil }
      return (best.column, score, model.corners(model.box(patch, offsets), of: picture))
    }
  }

  private func vectors(of queries: [String]) throws -> Tensor {
    .concatenated(try cache.vectors(of: queries, model.vectors(of:)), axis: 0)
  }

  /// The color with the best logit, and those that tie with it.
  private static func colors(_ logits: [Float]) -> [String] {
    let top = logits.max() ?? 0
    return zip(ColorWord.all, logits).filter { $1 > top - tie }.map(\.0)
  }

  /// The colour that an attribute names, in the word by which it is asked for; `nil` for anything else.
  private static func color(_ attribute: String) -> String? {
    let word = attribute.lowercased()
    let color = word == "grey" ? "gray" : word
    return ColorWord.all.contains(color) ? color : nil
  }

  /// The colours that a prompt gives to its subjects, by subject, as far as they can be asked for.
  private static func colors(of prompt: SuitePrompt) -> [String: String] {
    prompt.attributes.compactMapValues(color)
  }

  /// The attributes and the relations of prompts that no query and no box can tell, as the prompts have them.
  package static func unasked(
    of prompts: [SuitePrompt]
  ) -> (attributes: [String], relations: [String]) {
    (
      prompts.flatMap { $0.attributes.sorted { $0.key < $1.key }.map(\.value) }.filter {
        color($0) == nil
      },
      prompts.flatMap(\.relations).map(\.place).filter { SpatialPlace($0) == nil }
    )
  }

  /// The values of a picture that follow from which subjects are found, in which colours.
  /// - Parameters:
  ///   - detections: at least one, each subject once.
  ///   - relations: the share of relations that hold; `nil` where none can be told.
  package static func values(
    of detections: [SubjectDetection], relations: Double?, _ prompt: SuitePrompt
  ) -> [String: Double] {
    let found = detections.filter { $0.isFound == true }
    let isEachFound = found.count == detections.count
    var values = [
      "found": Double(found.count) / Double(detections.count), "all": isEachFound ? 1 : 0,
      "missing": isEachFound ? 0 : 1,
    ]
    let given = colors(of: prompt)
    let colored = found.filter { given[$0.subject] != nil }
    let right = colored.count { $0.colors == given[$0.subject].map { [$0] } }
    if !colored.isEmpty { values["colours"] = Double(right) / Double(colored.count) }
    if !given.isEmpty {
      values["ties"] = Double(found.count { ($0.colors?.count ?? 0) > 1 })
      if detections.count > 1 {
        let isWrong = found.contains { one in
          given.contains { other, color in
            other != one.subject && color != given[one.subject] && one.colors == [color]
          }
        }
        values["wrong-colour"] = isWrong ? 1 : 0
      }
    }
    values["relations"] = relations
    let unasked = unasked(of: [prompt])
    if unasked.attributes.isEmpty, unasked.relations.isEmpty {
      values["right"] = isEachFound && right == colored.count && relations ?? 1 == 1 ? 1 : 0
    }
    return values
  }

  /// The share of a prompt's relations that hold between the centers of some box of either subject; `nil` where
  /// it has none that is told by centers.
  private func relations(
    _ prompt: SuitePrompt, _ subjects: [String], _ logits: Tensor, _ offsets: Tensor,
    _ picture: Picture
  ) -> Double? {
    let asked = prompt.relations.compactMap { relation in
      SpatialPlace(relation.place).map { (relation.subject, $0, relation.other) }
    }
    guard !asked.isEmpty else { return nil }
    var centers: [String: [(x: Double, y: Double)]] = [:]
    for (query, _, box) in detections(logits, offsets, picture, threshold) {
      centers[subjects[query], default: []].append(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
    }
    let holding = asked.count { subject, place, other in
      (centers[subject] ?? []).contains { one in
        (centers[other] ?? []).contains { place.holds(one, $0) }
      }
    }
    return Double(holding) / Double(asked.count)
  }
}
