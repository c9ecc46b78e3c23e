@testable import Diffusion
@testable import TensorEngine

/// Arrays of numbers in files.
enum NumberInput {
  private static let scratch = ScratchFolder("numbers")
  /// No more numbers of an array are read: what is searched for are faults, not speed.
  private static let limit = 1 << 16

  static func safetensors(_ input: [UInt8]) throws {
    let path = scratch.write(input, "input.safetensors")
    let file = try SafetensorsFile(path: path)
    for entry in file.entries where entry.count <= limit {
      _ = try? file.tensor(entry)
      _ = try? file.weight(entry)
      _ = try? file.integers(entry.name)
    }
    try arrays(path)
  }

  static func npy(_ input: [UInt8]) throws {
    let path = scratch.write(input, "input.npy")
    let file = try NumpyFile(path: path)
    _ = try? file.tensor()
    _ = try? file.integers()
    try arrays(path)
  }

  static func npz(_ input: [UInt8]) throws {
    try arrays(scratch.write(input, "input.npz"))
  }

  private static func arrays(_ path: String) throws {
    for array in try StoredArray.contents(of: path).arrays {
      guard !array.shape.contains(0), array.shape.reduce(1, *) <= limit else { continue }
      _ = array.values(from: 0, extents: array.shape, strides: array.strides)
    }
  }

  static func lora(_ input: [UInt8]) throws {
    let lora = LoRA(path: scratch.write(input, "lora.safetensors"))
    _ = try? LoRAFile(lora, isXL: true)
    _ = try LoRAFile(lora)
  }

  static func embedding(_ input: [UInt8]) throws {
    let path = scratch.write(input, "word.safetensors")
    let file = try EmbeddingFile(TextualInversion(path: path))
    let ids = Array(0..<file.vectors.shape[0])
    _ = try? file.rows(ids, width: 8, of: .textEncoder, isXL: true)
    _ = try? file.rows(ids, width: 16, of: .secondTextEncoder, isXL: true)
    _ = try file.rows(ids, width: 8, of: .textEncoder, isXL: false)
  }
}
