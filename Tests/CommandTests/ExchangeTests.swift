import Foundation
import TensorEngine
import TestSupport
import Testing

/// Random files that Heed and the formats' own libraries write for each other.
@Suite(
  "Files exchanged with NumPy and safetensors",
  .enabled(if: Readers.python != nil, "make readers installs them"))
struct ExchangeTests {
  private enum Format: Int, CaseIterable {
    case npy, npz, safetensors

    var types: [String] {
      self == .safetensors
        ? ["F32", "F16", "F64", "BF16", "I32", "I64", "U8"] : ["<f4", "<f2", "<f8", "<i4", "<i8"]
    }
  }

  /// An array as both sides make it up.
  private struct Made {
    let name: String
    let type: String
    let shape: [Int]
    /// 0…255, in row-major order.
    let numbers: [Int]

    private static let names = ["a", "down_blocks.0/attn2.", "mid block ", "w_"]

    /// The arrays of a file, by random numbers whose order `exchange.py` has too.
    static func all(_ format: Format, _ index: Int) -> [Made] {
      var random = SeededNumbers(seed: UInt64(format.rawValue * 1_000_000 + index))
      func next(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
      return (0..<(format == .npy ? 1 : 1 + next(4))).map { place in
        let name = names[next(4)] + String(place)
        let type = format.types[next(format.types.count)]
        let shape = (0..<next(6)).map { _ in
          let extent = next(20)
          return extent == 0 ? 0 : 1 + extent % 4
        }
        // Whether columns come first: Heed writes rows first.
        _ = next(2)
        let numbers = (0..<shape.reduce(1, *)).map { _ in next(256) }
        return Made(name: name, type: type, shape: shape, numbers: numbers)
      }
    }

    var isWhole: Bool { type.contains("I") || type.contains("i") || type == "U8" }
    var integers: [Int] { type == "U8" ? numbers : numbers.map { $0 - 128 } }
    var floats: [Float] { numbers.map { Float($0 - 128) / 8 } }

    var bytes: [UInt8] {
      func raw<Number>(_ numbers: [Number]) -> [UInt8] {
        numbers.flatMap { number in withUnsafeBytes(of: number) { [UInt8]($0) } }
      }
      switch type {
      case "F32", "<f4": return raw(floats)
      case "F16", "<f2": return raw(floats.map { Float16($0) })
      case "F64", "<f8": return raw(floats.map(Double.init))
      case "BF16": return raw(floats.map { UInt16($0.bitPattern >> 16) })
      case "I32", "<i4": return raw(integers.map(Int32.init))
      case "U8": return raw(integers.map(UInt8.init))
      default: return raw(integers.map(Int64.init))
      }
    }
  }

  private static let count = 2000

  private static func path(_ folder: TemporaryFolder, _ format: Format, _ index: Int) -> String {
    "\(folder.path)/\(format)/\(index).\(format)"
  }

  private static func expectCounts(_ answer: Readers.Answer) {
    #expect(answer.status == 0, "\(answer.stdout)\(answer.stderr)")
    for format in Format.allCases { #expect(answer.counts["\(format)"] == count) }
  }

  @Test("What Heed writes is what their own libraries read")
  func written() throws {
    let folder = try TemporaryFolder()
    for format in Format.allCases {
      try FileManager.default.createDirectory(
        atPath: "\(folder.path)/\(format)", withIntermediateDirectories: true)
      for index in 0..<Self.count {
        let (path, made) = (Self.path(folder, format, index), Made.all(format, index))
        switch format {
        case .npy:
          let header = NumpyFile.header(description: made[0].type, shape: made[0].shape)
          try Data(header + made[0].bytes).write(to: URL(fileURLWithPath: path))
        case .npz:
          try StoredZip.write(
            made.map { array in
              StoredZip.Member(name: array.name + ".npy") { sink in
                let header = NumpyFile.header(description: array.type, shape: array.shape)
                try (header + array.bytes).withUnsafeBytes(sink)
              }
            }, to: path)
        case .safetensors:
          let payloads = try made.map { array in
            let type = try #require(SafetensorsType(rawValue: array.type))
            return (
              name: array.name,
              payload: SafetensorsWriter.Payload.stream(type, shape: array.shape) { sink in
                try array.bytes.withUnsafeBytes(sink)
              }
            )
          }
          try SafetensorsWriter.write(payloads, to: path)
        }
      }
    }
    Self.expectCounts(
      try Readers.run(
        script: "/export/exchange.py", ["check", folder.path, String(Self.count)], in: folder.path))
  }

  @Test("What their own libraries write is what Heed reads")
  func read() throws {
    let folder = try TemporaryFolder()
    Self.expectCounts(
      try Readers.run(
        script: "/export/exchange.py", ["write", folder.path, String(Self.count)], in: folder.path))
    for format in Format.allCases {
      for index in 0..<Self.count {
        let (path, made) = (Self.path(folder, format, index), Made.all(format, index))
        let isSame =
          switch format {
          case .npy: try Self.isSame(NumpyFile(path: path), made[0])
          case .npz: try Self.isSame(StoredArray.contents(of: path), made)
          case .safetensors: try Self.isSame(SafetensorsFile(path: path), made)
          }
        #expect(isSame, "\(format) \(index)")
      }
    }
  }

  private static func isSame(_ file: NumpyFile, _ made: Made) throws -> Bool {
    guard file.shape == made.shape, file.type.rawValue == made.type else { return false }
    return made.isWhole
      ? try file.integers() == made.integers : try file.tensor().values == made.floats
  }

  private static func isSame(_ contents: StoredArray.Contents, _ made: [Made]) -> Bool {
    let (whole, floats) = (made.filter(\.isWhole), made.filter { !$0.isWhole })
    guard contents.others.map(\.name) == whole.map(\.name),
      contents.arrays.map(\.name) == floats.map(\.name)
    else { return false }
    return zip(contents.arrays, floats).allSatisfy { array, made in
      array.shape == made.shape
        && array.values(from: 0, extents: array.shape, strides: array.strides) == made.floats
    }
  }

  private static func isSame(_ file: SafetensorsFile, _ made: [Made]) throws -> Bool {
    guard Set(file.names) == Set(made.map(\.name)) else { return false }
    return try made.allSatisfy { made in
      guard let entry = file.entry(made.name), entry.shape == made.shape,
        entry.type.rawValue == made.type
      else { return false }
      return made.isWhole
        ? try file.integers(made.name) == made.integers
        : try file.tensor(entry).values == made.floats
    }
  }
}
