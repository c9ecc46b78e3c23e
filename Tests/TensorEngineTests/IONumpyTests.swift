import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("npy")
struct IONumpyTests {
  private static func ramp(_ count: Int) -> [Float] { (0..<count).map { Float($0) * 0.75 - 2 } }

  @Test(
    "An array is written with the bytes of np.save and read back",
    arguments: [
      ("scalar", []), ("1", [1]), ("7", [7]), ("0", [0]), ("2x3", [2, 3]),
      ("1x2x3x4", [1, 2, 3, 4]), ("1234567x0", [1_234_567, 0]),
      ("1x1x1x1x1x1x1x1", [1, 1, 1, 1, 1, 1, 1, 1]), ("30-axes", [Int](repeating: 1, count: 30)),
    ] as [(String, [Int])])
  func writes(name: String, shape: [Int]) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.npy"
    let tensor = Tensor(Self.ramp(shape.reduce(1, *)), shape: shape)
    try NumpyFile.write(tensor, to: path)
    #expect(try bytes(ofFileAt: path) == bytes(ofFileAt: fixture("npy/f4-\(name).npy")))
    let read = try NumpyFile(path: path)
    #expect(read.shape == shape)
    #expect(try read.tensor().values == tensor.values)
    #expect(try folder.names() == ["out.npy"])
  }

  @Test("The later versions and the other types of NumPy are read")
  func reads() throws {
    for name in ["f4-2x3-v2", "f4-2x3-v3", "f2-2x3"] {
      let tensor = try NumpyFile(path: fixture("npy/\(name).npy")).tensor()
      #expect(tensor.shape == [2, 3])
      #expect(tensor.values == Self.ramp(6))
    }
    let narrow = try NumpyFile(path: fixture("npy/i4-3.npy"))
    #expect(try narrow.integers() == [Int(Int32.min), 0, Int(Int32.max)])
    let wide = try NumpyFile(path: fixture("npy/i8-1x2.npy"))
    #expect(wide.shape == [1, 2])
    #expect(try wide.integers() == [.min, .max])
    #expect(fileError { try wide.tensor() }?.kind == .unsupported)
    let half = try NumpyFile(path: fixture("npy/f2-2x3.npy"))
    #expect(fileError { try half.integers() }?.reason.contains("<i4 or <i8") == true)
  }

  @Test("A column-major array is read in row-major order")
  func columnMajor() throws {
    let cube = try NumpyFile(path: fixture("npy/f4-2x3x4-fortran.npy")).tensor()
    #expect(cube.shape == [2, 3, 4])
    #expect(cube.values == (0..<24).map(Float.init))
    let matrix = try NumpyFile(path: fixture("npy/i4-2x3-fortran.npy"))
    #expect(try matrix.integers() == [0, 1, 2, 3, 4, 5])
  }

  private static func file(
    _ header: String, payload: Int = 8, version: [UInt8] = [1, 0], size: Int? = nil
  ) -> [UInt8] {
    let text = Array(header.utf8)
    let size = size ?? text.count
    let count = (0..<(version[0] == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + version + count + text
      + [UInt8](repeating: 1, count: payload)
  }

  private static func header(
    _ description: String = "'<f4'", _ order: String = "False", _ shape: String = "(2,)"
  ) -> String {
    "{'descr': \(description), 'fortran_order': \(order), 'shape': \(shape), }\n"
  }

  struct Bad: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]
    let reason: String

    init(_ description: String, _ bytes: [UInt8], _ reason: String) {
      testDescription = description
      self.bytes = bytes
      self.reason = reason
    }
  }

  static let badPrefixes = [
    Bad("empty file", [], "empty"),
    Bad("five bytes", [0x93, 0x4E, 0x55, 0x4D, 0x50], "\\x93NUMPY"),
    Bad("another format", Array("PK\u{3}\u{4}aaaaaaaaaa".utf8), "\\x93NUMPY"),
    Bad("no header size", Array(file("").prefix(8)), "header's size"),
    Bad("half a header size", Array(file("", version: [2, 0]).prefix(11)), "header's size"),
    Bad("version 0.0", file(header(), version: [0, 0]), "version 1.0"),
    Bad("version 4.0", file(header(), version: [4, 0]), "version 1.0"),
    Bad("version 1.1", file(header(), version: [1, 1]), "version 1.0"),
    Bad("header larger than the file", file(header(), size: 5000), "which is all that follows"),
    Bad("header above the limit", file(header(), size: 10_001), "at most 10000"),
    Bad("header of 4 GB", file(header(), version: [2, 0], size: 0xFFFF_FFFF), "at most 10000"),
  ]

  static let badHeaders = [
    Bad("empty header", file(""), "got its end"),
    Bad("a list", file("['<f4']"), "expected '{'"),
    Bad("no descr", file("{'fortran_order': False, 'shape': (2,)}"), "a key descr"),
    Bad("no fortran_order", file("{'descr': '<f4', 'shape': (2,)}"), "a key fortran_order"),
    Bad("no shape", file("{'descr': '<f4', 'fortran_order': False}"), "a key shape"),
    Bad("another key", file("{'x': 1, \(header().dropFirst())"), "got \"x\""),
    Bad("duplicate key", file("{'shape': (2,), \(header().dropFirst())"), "duplicate key"),
    Bad("no colon", file("{'descr' '<f4'}"), "expected ':'"),
    Bad("no comma", file("{'descr': '<f4' 'shape': (2,)}"), "expected ','"),
    Bad("unfinished", file("{'descr': '<f4', "), "got its end"),
    Bad("unfinished string", file("{'descr"), "the string's end"),
    Bad("an escape", file(header("'\\x3cf4'")), "plain ASCII"),
    Bad("not ASCII", file(header("'é'")), "plain ASCII"),
    Bad("text after it", file(header() + "x"), "the end of the header"),
    Bad("objects", file(header("'|O'")), "Python objects"),
    Bad("objects without a bar", file(header("'O8'")), "Python objects"),
    Bad("records", file(header("[('a', '<f4')]")), "arrays of records"),
    Bad("big-endian", file(header("'>f4'")), "got \">f4\""),
    Bad("long doubles", file(header("'<f16'")), "got \"<f16\""),
    Bad("complex numbers", file(header("'<c8'")), "got \"<c8\""),
    Bad("an unquoted descr", file(header("f4")), "expected a string"),
    Bad("an order of 0", file(header("'<f4'", "0")), "True or False"),
    Bad("an order in lower case", file(header("'<f4'", "false")), "True or False"),
  ]

  static let badShapes = [
    Bad("a list", file(header("'<f4'", "False", "[2]")), "expected '('"),
    Bad("a number", file(header("'<f4'", "False", "2")), "expected '('"),
    Bad("a number in brackets", file(header("'<f4'", "False", "(2)")), "only number"),
    Bad("a negative extent", file(header("'<f4'", "False", "(-2,)")), "an extent"),
    Bad("a fraction", file(header("'<f4'", "False", "(2.0,)")), "expected ','"),
    Bad("a long of Python 2", file(header("'<f4'", "False", "(2L,)")), "expected ','"),
    Bad("a leading zero", file(header("'<f4'", "False", "(02,)")), "an extent"),
    Bad("two commas", file(header("'<f4'", "False", "(2,,)")), "an extent"),
    Bad("beyond 64 bits", file(header("'<f4'", "False", "(9223372036854775808,)")), "an extent"),
    Bad(
      "a product that overflows", file(header("'<f4'", "False", "(4611686018427387904, 2)")),
      "larger than any file"),
    Bad(
      "33 dimensions",
      file(header("'<f4'", "False", "(" + String(repeating: "1, ", count: 33) + ")")),
      "at most 32"),
    Bad("truncated data", file(header(), payload: 7), "expected 8 bytes of data"),
    Bad("no data", file(header(), payload: 0), "expected 8 bytes of data"),
    Bad("a trailing byte", file(header(), payload: 9), "expected 8 bytes of data"),
    Bad("huge data", file(header("'<f4'", "False", "(1000000000000,)")), "expected 4000000000000"),
  ]

  @Test(
    "A bad array is refused with its rule and byte",
    arguments: badPrefixes + badHeaders + badShapes)
  func bad(_ bad: Bad) throws {
    let folder = try TemporaryFolder()
    let path = try folder.file(bad.bytes, name: "bad.npy")
    let error = fileError { try NumpyFile(path: path) }
    #expect(error?.path == path)
    #expect((error?.offset ?? 0) <= bad.bytes.count)
    #expect(error?.reason.contains(bad.reason) == true, "\(error.debugDescription)")
  }

  @Test("Every truncation of an array is refused")
  func truncation() throws {
    let folder = try TemporaryFolder()
    let whole = try bytes(ofFileAt: fixture("npy/f4-2x3.npy"))
    for count in 0..<whole.count {
      let path = try folder.file(Array(whole[..<count]))
      #expect(fileError { try NumpyFile(path: path) } != nil)
    }
  }

  @Test("A flipped bit in the header is refused or leaves as many bytes of data")
  func bitFlips() throws {
    let folder = try TemporaryFolder()
    let whole = try bytes(ofFileAt: fixture("npy/f4-2x3.npy"))
    for bit in 0..<8 * 128 {
      var flipped = whole
      flipped[bit / 8] ^= 1 << (bit % 8)
      guard let file = try? NumpyFile(path: folder.file(flipped)) else { continue }
      #expect(file.shape == [2, 3])
      // The bit of `f` or of `<` that makes another type of the same size, and no other.
      #expect(file.type == .float32 || file.type == .int32)
    }
  }
}
