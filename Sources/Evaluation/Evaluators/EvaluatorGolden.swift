internal import Diffusion
internal import Pictures
internal import TensorEngine

/// `golden.json` and `golden.safetensors` beside an evaluator: what transformers computes with it.
///
/// `picture.N` is a picture `[row, column, channel]`, `pixels.N` what the processor makes of it. The other tensors
/// are of all pictures and texts, and each kind of evaluator has its own.
struct EvaluatorGolden {
  let tensors: SafetensorsFile
  /// The description.
  let json: JSONNode
  /// The pictures, by their numbers from 0 on.
  let pictures: [Picture]

  /// Most pixels of a side of a golden picture.
  private static let largestSide = 8192

  /// Reads the goldens in an evaluator's folder, which one of its files describes.
  /// - Throws: `FileError` when they are missing or damaged.
  init(folder: String, description: String = "golden.json") throws {
    tensors = try SafetensorsFile(path: folder + "/golden.safetensors")
    json = try StrictJSON.read(path: folder + "/" + description)
    var pictures: [Picture] = []
    while let entry = tensors.entry("picture.\(pictures.count)") {
      let shape = entry.shape
      guard shape.count == 3, shape[2] == 3,
        shape.prefix(2).allSatisfy({ (1...Self.largestSide).contains($0) }), entry.type == .u8
      else {
        throw FileError(
          .malformed, path: tensors.path, subject: "tensor " + FileError.quoted(entry.name),
          reason: "expected U8 [row, column, 3], got \(entry.type.rawValue) \(shape)")
      }
      pictures.append(
        Picture(
          width: shape[1], height: shape[0],
          pixels: try tensors.integers(entry.name).map { UInt8(clamping: $0) }))
    }
    guard !pictures.isEmpty else {
      throw FileError(
        .malformed, path: tensors.path, reason: "expected a tensor \"picture.0\", got none")
    }
    self.pictures = pictures
  }

  /// The texts under a key of the description.
  /// - Throws: `FileError` when there are none.
  func texts(_ key: String) throws -> [String] {
    let node = try json.member(key)
    let texts = try node.strings()
    guard !texts.isEmpty else { throw node.failure("expected at least one text, got none") }
    return texts
  }

  /// How numbers compare with those of a tensor, under a largest error that passes.
  /// - Parameters:
  ///   - unit: what an error is measured against; `nil` for the tensor's own range.
  func line(
    _ name: String, _ value: Tensor, unit: Double?, tolerance: Double
  ) throws -> CheckpointVerification.Line {
    let expected = try tensors.tensor(name)
    guard expected.shape == value.shape else {
      throw FileError(
        .malformed, path: tensors.path, subject: "tensor " + FileError.quoted(name),
        reason: "expected the shape \(value.shape), got \(expected.shape)")
    }
    return CheckpointVerification.Line(
      name: name, error: expected.largestDifference(to: value),
      range: unit ?? expected.spread,
      tolerance: tolerance)
  }

  /// How a picture's pixels compare, as shares of the range of an 8-bit sample.
  func pixelLine(
    _ name: String, _ preprocessing: PicturePreprocessing
  ) throws -> CheckpointVerification.Line {
    guard let number = Int(name.dropFirst("pixels.".count)), pictures.indices.contains(number)
    else { return .unknown(name) }
    let picture = try preprocessing(pictures[number])
    // The widest of the channels' deviations makes the most of an error.
    let deviation = preprocessing.deviation.max() ?? 1
    return try line(
      name, picture.reshaped(Array(picture.shape.dropFirst())), unit: 1 / deviation,
      tolerance: 1.0 / 255)
  }

  /// How token ids compare: all are the same, or they fail.
  func idsLine(_ name: String, _ ids: [[Int]]) throws -> CheckpointVerification.Line {
    let expected = try tensors.integers(name)
    let differing = zip(expected, ids.joined()).count { $0 != $1 }
    let isSame = expected.count == ids.joined().count && differing == 0
    return CheckpointVerification.Line(
      name: name, error: isSame ? 0 : Double(max(differing, 1)), range: 1, tolerance: 0)
  }
}
