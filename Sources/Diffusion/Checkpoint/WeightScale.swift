internal import TensorEngine

/// The scale that a file of 8-bit floats keeps beside a weight: the weight is their product.
///
/// Such files scale each layer's weights to the small range of their type. The scale bears the layer's name,
/// as `scale_weight` or `weight_scale`: one number, or one for each row.
///
/// - Reference: comfyanonymous/ComfyUI `comfy/ops.py`, `scaled_fp8_ops` and `mixed_precision_ops`.
struct WeightScale: Sendable {
  private static let names = ["scale_weight", "weight_scale"]

  private let file: SafetensorsFile
  private let entry: SafetensorsFile.Entry

  /// The scale of a tensor, or of a part of one; `nil` where the file has none.
  init?(of weight: SafetensorsFile.Entry, in file: SafetensorsFile) {
    let ending = ".weight"
    guard weight.name.hasSuffix(ending) else { return nil }
    let layer = weight.name.dropLast(ending.count)
    guard let entry = Self.names.lazy.compactMap({ file.entry("\(layer).\($0)") }).first else {
      return nil
    }
    (self.file, self.entry) = (file, entry)
  }

  /// The scale's name in the file.
  var name: String { entry.name }

  /// - Throws: ``DiffusionError/unsupported(path:key:value:supported:)`` for a scale of another shape,
  ///   `FileError` for one of another type or one that is not finite.
  func applied(to weight: Tensor) throws -> Tensor {
    let scales = try file.tensor(entry)
    guard scales.isFinite else {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(name),
        reason: "expected finite numbers, got NaN or infinity")
    }
    if scales.count == 1 { return weight.affine(scale: scales.values[0]) }
    guard let rows = weight.shape.first, scales.count == rows, scales.shape.first == rows else {
      throw DiffusionError.unsupported(
        path: file.path, key: "the shape of \(FileError.printable(name))",
        value: "\(scales.shape)",
        supported:
          "weights with one scale, or one for each of their \(weight.shape.first ?? 0) rows")
    }
    return weight.scaled(rowsBy: scales.values)
  }
}

extension Tensor {
  /// Each row, the numbers of one index of the first axis, times a number of its own.
  func scaled(rowsBy scales: [Float]) -> Tensor {
    guard count > 0 else { return self }
    let width = count / scales.count
    return Tensor(
      values.enumerated().map { index, value in value * scales[index / width] }, shape: shape)
  }
}
