internal import Diffusion
internal import Pictures
internal import TensorEngine

/// An OWL-ViT or OWLv2 model against its goldens: pixels, token ids, logits, boxes, objectness and what is
/// detected.
struct OWLViTVerification: EvaluatorVerification {
  private let model: OWLViTModel
  private let golden: EvaluatorGolden
  private let tolerance: Double
  private let queries: [String]
  /// `[patch, width]` by picture.
  private let features: [Tensor]
  /// `[query, width]`.
  private let vectors: Tensor

  /// The largest error of a box's edge, as a share of the side, that passes.
  private static let boxTolerance = 1e-3

  init(_ folder: EvaluatorFolder, tolerance: Double) throws {
    let model = try OWLViTModel(folder)
    let golden = try EvaluatorGolden(folder: folder.path)
    (self.model, self.golden, self.tolerance) = (model, golden, tolerance)
    queries = try golden.texts("queries")
    features = try golden.pictures.map { picture in
      try model.features(ofPixels: model.preprocessing(picture))
    }
    vectors = try model.vectors(of: queries)
  }

  private static let detections = "detections"

  var names: [String] {
    let detected = (try? golden.json.optionalMember(Self.detections)?.elements()) ?? []
    return golden.tensors.names + detected.indices.map { "\(Self.detections).\($0)" }
  }

  func verify(_ name: String) throws -> CheckpointVerification.Line {
    switch name {
    case "token_ids":
      // Behind the end token the model is given zeros.
      let ids = queries.map { query in
        let (ids, end) = model.text.ids(of: query)
        return ids.enumerated().map { $0 <= end ? $1 : 0 }
      }
      return try golden.idsLine(name, ids)
    case "logits":
      return try golden.line(
        name, stacked { try model.logits($0, of: vectors) }, unit: nil, tolerance: tolerance)
    case "boxes":
      return try golden.line(name, stacked(boxes), unit: 1, tolerance: Self.boxTolerance)
    case "objectness":
      guard model.objectness(features[0]) != nil else { return .unknown(name) }
      let logits = try stacked { model.objectness($0) ?? $0 }
      return try golden.line(
        name, logits.reshaped(Array(logits.shape.dropLast())), unit: nil, tolerance: tolerance)
    case _ where name.hasPrefix(Self.detections + "."): return try verifyDetections(name)
    case _ where name.hasPrefix("picture."): return .input(name)
    case _ where name.hasPrefix("pixels."): return try golden.pixelLine(name, model.preprocessing)
    default: return .unknown(name)
    }
  }

  /// `[picture, …]` of what is made of each picture's features.
  private func stacked(_ part: (Tensor) throws -> Tensor) throws -> Tensor {
    try .concatenated(
      features.map { features in
        let one = try part(features)
        return one.reshaped([1] + one.shape)
      }, axis: 0)
  }

  /// Centers and sizes of every patch's box, `[patch, 4]`.
  private func boxes(_ features: Tensor) throws -> Tensor {
    let offsets = try model.boxOffsets(features)
    let patches = model.grid * model.grid
    let numbers = (0..<patches).flatMap { model.box($0, offsets) }
    return Tensor(numbers.map(Float.init), shape: [patches, 4])
  }

  /// What post-processing leaves above a threshold: as many detections of the same queries, whose boxes are off
  /// by no more than is allowed of the picture's sides, and whose scores by no more than of 1.
  private func verifyDetections(_ name: String) throws -> CheckpointVerification.Line {
    let all = try golden.json.member(Self.detections).elements()
    guard let number = Int(name.dropFirst(Self.detections.count + 1)),
      all.indices.contains(number), golden.pictures.indices.contains(number)
    else { return .unknown(name) }
    let picture = golden.pictures[number]
    let threshold = try all[number].member("threshold").double()
    let expected = try all[number].member("found").elements()
    let logits = try model.logits(features[number], of: vectors)
    let offsets = try model.boxOffsets(features[number])
    let found = logits.rowMaxima.enumerated().filter {
      OWLViTModel.sigmoid($1.value) > threshold
    }
    var worst = found.count == expected.count ? 0 : Double.infinity
    for ((patch, best), node) in zip(found, expected) {
      let box = try node.member("box").elements().map { try $0.double() }
      guard box.count == 4 else { throw node.failure("expected a box of four numbers") }
      if try node.member("query").integer() != best.column { worst = .infinity }
      let score = try node.member("score").double()
      worst = max(worst, abs(score - OWLViTModel.sigmoid(best.value)))
      let sides = [picture.width, picture.height, picture.width, picture.height].map(Double.init)
      let own = model.corners(model.box(patch, offsets), of: picture)
      for ((own, expected), side) in zip(zip(own, box), sides) {
        worst = max(worst, abs(own - expected / side))
      }
    }
    return CheckpointVerification.Line(
      name: name, error: worst, range: 1, tolerance: Self.boxTolerance)
  }
}
