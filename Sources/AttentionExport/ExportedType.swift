internal import AttentionAnalysis
internal import AttentionTrace
internal import TensorEngine

/// The type of an exported array's elements.
enum ExportedType: Hashable, Sendable {
  case number(ZarrType)
  /// Texts of up to this many Unicode scalars: four bytes for each, zeros behind the last.
  case text(scalars: Int)

  /// Bytes of an element, in the form that NumPy has it.
  var bytes: Int {
    switch self {
    case .number(let type): type.bytes
    case .text(let scalars): 4 * scalars
    }
  }

  /// The name of the type in a manifest.
  var name: String {
    switch self {
    case .number(let type): type.rawValue
    case .text: Self.textName
    }
  }

  /// The name of texts in a manifest.
  static let textName = "string"

  /// NumPy's description of the type, little-endian.
  var numpy: String {
    switch self {
    case .number(.int8): "|i1"
    case .number(.int32): "<i4"
    case .number(.uint64): "<u8"
    case .number(.float16): "<f2"
    case .number(.float32): "<f4"
    case .number(.float64): "<f8"
    case .text(let scalars): "<U\(scalars)"
    }
  }

  /// The type in safetensors, which has no texts.
  var safetensors: SafetensorsType? {
    switch self {
    case .number(.int8): .i8
    case .number(.int32): .i32
    case .number(.uint64): .u64
    case .number(.float16): .f16
    case .number(.float32): .f32
    case .number(.float64): .f64
    case .text: nil
    }
  }

  /// The type in Zarr v3; `nil` for its texts.
  var zarr: ZarrType? {
    if case .number(let type) = self { type } else { nil }
  }

  var isFloat: Bool {
    switch self {
    case .number(.float16), .number(.float32), .number(.float64): true
    case .number(.int8), .number(.int32), .number(.uint64), .text: false
    }
  }
}
