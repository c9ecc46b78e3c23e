import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("safetensors")
struct IOSafetensorsTests {
  /// A file of `header` and `payload` bytes of data, with the right size in front.
  private static func file(_ header: [UInt8], payload: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
      + (0..<payload).map { UInt8(0x80 + $0 % 64) }
  }

  private static func file(_ header: String, payload: Int) -> [UInt8] {
    file(Array(header.utf8), payload: payload)
  }

  private static func entry(
    _ name: String = "a", _ type: String = "\"F32\"", _ shape: String = "[2]",
    _ offsets: String = "[0,8]"
  ) -> String {
    "\"\(name)\":{\"dtype\":\(type),\"shape\":\(shape),\"data_offsets\":\(offsets)}"
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

    init(_ description: String, _ header: String, payload: Int = 8, _ reason: String) {
      self.init(description, IOSafetensorsTests.file(header, payload: payload), reason)
    }
  }

  private static func sized(_ size: UInt64, _ rest: String) -> [UInt8] {
    withUnsafeBytes(of: size.littleEndian) { Array($0) } + Array(rest.utf8)
  }

  static let badSizes = [
    Bad("empty file", [], "empty"),
    Bad("seven bytes", [UInt8](repeating: 1, count: 7), "at least 8 bytes"),
    Bad("size zero", sized(0, "{}"), "the header is empty"),
    Bad("size 2^63", sized(1 << 63, "{}"), "at most 100000000"),
    Bad("size 2^64 - 1", sized(.max, "{}"), "at most 100000000"),
    Bad("size above the limit", sized(100_000_001, "{}"), "at most 100000000"),
    Bad("size above the file", sized(3, "{}"), "which is all that follows"),
    Bad("a zip file", Array("PK\u{3}\u{4}aaaaaaaaaaaaaaaaaaa".utf8), "at most 100000000"),
  ]

  static let badText = [
    Bad("leading space", " {\(entry())}", "begin with '{'"),
    Bad("byte order mark", "\u{FEFF}{\(entry())}", "begin with '{'"),
    Bad("an array", "[\(entry())]", "begin with '{'"),
    Bad("NUL padding", "{\(entry())}\0", "only spaces"),
    Bad("newline padding", "{\(entry())}\n", "only spaces"),
    Bad("two objects", "{\(entry())}{}", "only spaces"),
    Bad("unfinished object", "{\(entry())", "',' or '}'"),
    Bad("trailing comma", "{\(entry()),}", "a key"),
    Bad(
      "a name that is not UTF-8",
      file(
        Array("{\"".utf8) + [0xFF] + Array(entry().utf8.dropFirst(2)) + Array("}".utf8), payload: 8),
      "not UTF-8"),
    Bad("a lone surrogate", "{\(entry("\\ud800"))}", "lone surrogate"),
    Bad("a control character", "{\(entry("a\u{1}"))}", "control character"),
  ]

  static let badEntries = [
    Bad("duplicate name", "{\(entry()),\(entry())}", "duplicate key \"a\""),
    Bad("duplicate escaped name", "{\(entry()),\(entry("\\u0061"))}", "duplicate key \"a\""),
    Bad(
      "duplicate dtype",
      "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
      "duplicate key \"dtype\""),
    Bad(
      "duplicate metadata", "{\"__metadata__\":{},\"__metadata__\":{},\(entry())}",
      "duplicate key \"__metadata__\""),
    Bad(
      "duplicate key in metadata", "{\"__metadata__\":{\"k\":\"\",\"k\":\"\"},\(entry())}",
      "duplicate key \"k\""),
    Bad("metadata with a number", "{\"__metadata__\":{\"k\":1},\(entry())}", "expected a string"),
    Bad("metadata with null", "{\"__metadata__\":{\"k\":null},\(entry())}", "expected a string"),
    Bad("metadata as an array", "{\"__metadata__\":[],\(entry())}", "expected an object"),
    Bad(
      "unknown field",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", "got \"x\""),
    Bad("no dtype", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "a field dtype"),
    Bad("no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "a field shape"),
    Bad("no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "a field data_offsets"),
    Bad("an entry that is an array", "{\"a\":[]}", "expected an object"),
    Bad("an entry that is null", "{\"a\":null}", "expected an object"),
    Bad("unknown dtype", "{\(entry("a", "\"F31\""))}", "got \"F31\""),
    Bad("dtype in lower case", "{\(entry("a", "\"f32\""))}", "got \"f32\""),
    Bad("dtype as a number", "{\(entry("a", "32"))}", "expected a string"),
    Bad("empty name", "{\(entry(""))}", "a name of 1 to 1024 bytes"),
    Bad(
      "name too long", "{\(entry(String(repeating: "n", count: 1025)))}",
      "a name of 1 to 1024 bytes"),
  ]

  static let badNumbers = [
    Bad("negative extent", "{\(entry("a", "\"F32\"", "[-2]"))}", "from 0"),
    Bad("extent with a fraction", "{\(entry("a", "\"F32\"", "[2.0]"))}", "from 0"),
    Bad("extent with an exponent", "{\(entry("a", "\"F32\"", "[2e0]"))}", "from 0"),
    Bad("extent as a string", "{\(entry("a", "\"F32\"", "[\"2\"]"))}", "a digit"),
    Bad("nested shape", "{\(entry("a", "\"F32\"", "[[2]]"))}", "a digit"),
    Bad("shape as a number", "{\(entry("a", "\"F32\"", "2"))}", "an array"),
    Bad("nine dimensions", "{\(entry("a", "\"F32\"", "[1,1,1,1,1,1,1,1,2]"))}", "at most 8"),
    Bad("extent beyond 64 bits", "{\(entry("a", "\"F32\"", "[18446744073709551616]"))}", "from 0"),
    Bad(
      "shape that overflows", "{\(entry("a", "\"F32\"", "[4611686018427387904,4]"))}", "no size"),
    Bad(
      "shape that overflows to eight bytes",
      "{\(entry("a", "\"F32\"", "[4611686018427387905,2]"))}", "no size"),
    Bad(
      "shape that overflows before a zero",
      "{\(entry("a", "\"U8\"", "[9223372036854775807,9223372036854775807,0]", "[0,0]"))}",
      payload: 0, "no size"),
    Bad("half a byte", "{\(entry("a", "\"F4\"", "[1]", "[0,1]"))}", payload: 1, "no size"),
    Bad("one offset", "{\(entry("a", "\"F32\"", "[2]", "[8]"))}", "a begin and an end"),
    Bad("no offset", "{\(entry("a", "\"F32\"", "[2]", "[]"))}", "a begin and an end"),
    Bad("three offsets", "{\(entry("a", "\"F32\"", "[2]", "[0,8,8]"))}", "at most 2"),
    Bad("reversed offsets", "{\(entry("a", "\"F32\"", "[2]", "[8,0]"))}", "a begin and an end"),
    Bad("negative offset", "{\(entry("a", "\"F32\"", "[2]", "[-8,0]"))}", "from 0"),
    Bad("offset with a fraction", "{\(entry("a", "\"F32\"", "[2]", "[0,8.0]"))}", "from 0"),
    Bad(
      "offset of 2^63 - 1", "{\(entry("a", "\"F32\"", "[2]", "[0,9223372036854775807]"))}", "within"
    ),
  ]

  static let badLayouts = [
    Bad("truncated data", "{\(entry())}", payload: 7, "within the 7 bytes"),
    Bad("no data", "{\(entry())}", payload: 0, "within the 0 bytes"),
    Bad(
      "data beyond the file", "{\(entry("a", "\"F32\"", "[2]", "[8,16]"))}", "within the 8 bytes"),
    Bad("trailing byte", "{\(entry())}", payload: 9, "1 bytes at the end"),
    Bad("data without a tensor", "{}", payload: 3, "3 bytes at the end"),
    Bad("size too small for the shape", "{\(entry("a", "\"F32\"", "[3]"))}", "expected 12 bytes"),
    Bad("size too large for the shape", "{\(entry("a", "\"F16\""))}", "expected 4 bytes"),
    Bad(
      "hole at the start", "{\(entry("a", "\"F32\"", "[1]", "[4,8]"))}",
      "4 bytes before its data belong to no tensor"),
    Bad(
      "hole in the middle",
      "{\(entry("a", "\"F32\"", "[1]", "[0,4]")),\(entry("b", "\"F32\"", "[1]", "[8,12]"))}",
      payload: 12, "4 bytes before its data belong to no tensor"),
    Bad(
      "overlap", "{\(entry()),\(entry("b", "\"F32\"", "[2]", "[4,12]"))}", payload: 12,
      "overlap those of tensor \"a\" by 4 bytes"),
    Bad(
      "the same data twice", "{\(entry()),\(entry("b"))}", "overlap those of tensor \"a\" by 8"),
    Bad(
      "an empty tensor within another",
      "{\(entry()),\(entry("b", "\"F32\"", "[0]", "[4,4]"))}", "overlap those of tensor \"a\" by 4"),
  ]

  @Test(
    "A bad file is refused with its rule and byte",
    arguments: badSizes + badText + badEntries + badNumbers + badLayouts)
  func bad(_ bad: Bad) throws {
    let folder = try TemporaryFolder()
    let path = try folder.file(bad.bytes, name: "bad.safetensors")
    let error = fileError { try SafetensorsFile(path: path) }
    #expect(error?.kind == .malformed)
    #expect(error?.path == path)
    #expect((error?.offset ?? -1) >= 0)
    #expect((error?.offset ?? 0) <= bad.bytes.count)
    #expect(error?.reason.contains(bad.reason) == true, "\(error.debugDescription)")
  }

  @Test("The error about a tensor names it and where the header does")
  func namesTensor() throws {
    let folder = try TemporaryFolder()
    let header = "{\(Self.entry()),\(Self.entry("b.weight", "\"F32\"", "[3]", "[8,16]"))}"
    let path = try folder.file(Self.file(header, payload: 16))
    let error = fileError { try SafetensorsFile(path: path) }
    #expect(error?.subject == "tensor \"b.weight\"")
    #expect(error?.offset == 8 + 1 + Self.entry().utf8.count + 1)
    #expect(
      error?.description.contains("expected 12 bytes for F32 of shape [3], got 8") == true)
  }

  @Test("A header nested 200,000 deep is refused")
  func deep() throws {
    let folder = try TemporaryFolder()
    let nest = String(repeating: "[", count: 200_000)
    for header in ["{\"a\":\(nest)", "{\"__metadata__\":\(nest)", "{\"a\":{\"shape\":\(nest)"] {
      #expect(
        fileError { try SafetensorsFile(path: try folder.file(Self.file(header, payload: 0))) }
          != nil)
    }
  }

  private static let small = file(
    "{\"__metadata__\":{\"format\":\"pt\"},\(entry("b", "\"F16\"", "[3,1]", "[8,14]")),"
      + "\(entry()),\(entry("c", "\"I64\"", "[]", "[14,22]"))}   ", payload: 22)

  @Test("Every truncation of a file is refused")
  func truncation() throws {
    let folder = try TemporaryFolder()
    for count in 0..<Self.small.count {
      let path = try folder.file(Array(Self.small[..<count]))
      #expect(fileError { try SafetensorsFile(path: path) } != nil)
    }
  }

  @Test("A flipped bit in the header is refused or leaves every tensor's data, type and shape")
  func bitFlips() throws {
    let folder = try TemporaryFolder()
    let whole = try SafetensorsFile(path: folder.file(Self.small, name: "whole"))
    let expected = whole.entries.map { "\($0.type) \($0.shape) \($0.range)" }
    var accepted = 0
    for bit in 0..<8 * (Self.small.count - 22) {
      var bytes = Self.small
      bytes[bit / 8] ^= 1 << (bit % 8)
      guard let file = try? SafetensorsFile(path: folder.file(bytes)) else { continue }
      accepted += 1
      #expect(file.entries.map { "\($0.type) \($0.shape) \($0.range)" } == expected)
    }
    // Names and metadata may change without a trace, and nothing else.
    #expect(accepted < 8 * ("__metadata__formatpt".utf8.count + 3))
  }

  @Test("Names, order and metadata are the header's, data may be in any order")
  func listing() throws {
    let folder = try TemporaryFolder()
    let file = try SafetensorsFile(path: folder.file(Self.small))
    #expect(file.names == ["b", "a", "c"])
    #expect(file.metadata.map { "\($0.key)=\($0.value)" } == ["format=pt"])
    #expect(file.entry("b")?.shape == [3, 1])
    #expect(file.entry("d") == nil)
    let missing = fileError { try file.tensor("d") }
    #expect(missing?.reason == "expected a tensor \"d\", got none")
    let empty = try SafetensorsFile(path: folder.file(Self.file("{}", payload: 0), name: "e"))
    #expect(empty.names.isEmpty)
  }

  @Test("Every code of the 8-bit floats, and doubles, are read as torch converts them")
  func rareFloats() throws {
    let file = try SafetensorsFile(path: fixture("rare.safetensors"))
    let narrow = try SafetensorsFile(path: fixture("rare.float32.safetensors"))
    for name in narrow.names {
      let (got, expected) = (try file.tensor(name), try narrow.tensor(name))
      #expect(got.shape == expected.shape)
      for (one, other) in zip(got.values, expected.values) {
        #expect(one.bitPattern == other.bitPattern || one.isNaN && other.isNaN, "\(name)")
      }
      // 16 bits hold 8 bits exactly.
      let weight = try file.weight(name)
      for (one, other) in zip(weight.values, expected.values) {
        #expect(one == other || one.isNaN && other.isNaN, "\(name)")
      }
    }
  }

  @Test("Halves and integers are read as torch reads them")
  func types() throws {
    let file = try SafetensorsFile(path: fixture("types.safetensors"))
    let widened = try SafetensorsFile(path: fixture("types.float32.safetensors"))
    for name in ["f16", "bf16", "f32"] {
      let (ours, theirs) = (try file.tensor(name), try widened.tensor(name))
      #expect(ours.shape == theirs.shape)
      #expect(ours.values.map(\.bitPattern) == theirs.values.map(\.bitPattern))
    }
    #expect(try file.integers("i64") == [.min, .max, 0])
    #expect(try file.integers("i32") == [Int(Int32.min), Int(Int32.max)])
    #expect(try file.integers("u8") == [0, 255, 7])
    for name in ["i64", "bool"] {
      let error = fileError { try file.tensor(name) }
      #expect(error?.kind == .unsupported)
      #expect(
        error?.reason.contains(
          "expected one of the types F64, F32, F16, BF16, F8_E4M3 and F8_E5M2, got ") == true)
    }
    #expect(fileError { try file.integers("f32") }?.reason.hasSuffix("got F32") == true)
  }

  @Test("Data at an odd address are read like aligned ones")
  func unaligned() throws {
    let folder = try TemporaryFolder()
    for shift in 0..<4 {
      let space = String(repeating: " ", count: shift)
      let path = try folder.file(
        Self.file(
          "{\(Self.entry()),\(Self.entry("h", "\"F16\"", "[1]", "[8,10]")),"
            + "\(Self.entry("n", "\"BF16\"", "[1]", "[10,12]"))}\(space)", payload: 12))
      let file = try SafetensorsFile(path: path)
      let expected = [0x8382_8180, 0x8786_8584].map { Float(bitPattern: $0) }
      #expect(try file.tensor("a").values == expected)
      // 0x8988 is sign 1, exponent 2, fraction 392.
      #expect(try file.tensor("h").values == [-(1 + 392 / 1024) * 0x1p-13])
      #expect(try file.tensor("n").values == [Float(bitPattern: 0x8B8A_0000)])
    }
  }

  @Test("A tensor outlives its file, also when the file is replaced")
  func outlives() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/x.safetensors"
    let values = (0..<5000).map(Float.init)
    try SafetensorsWriter.write([("x", .float32(Tensor(values, shape: [5000])))], to: path)
    let tensor = try SafetensorsFile(path: path).tensor("x")
    try SafetensorsWriter.write([("x", .float32(Tensor([1], shape: [1])))], to: path)
    #expect(tensor.values == values)
    #expect(try SafetensorsFile(path: path).tensor("x").values == [1])
  }

  @Test("The writer gives the bytes of the format's own library")
  func writes() throws {
    let ramp = { (count: Int) in (0..<count).map { Float($0) * 0.75 - 2 } }
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.safetensors"
    try SafetensorsWriter.write(
      [
        ("b.half", .float16(Tensor(ramp(5), shape: [5]))),
        ("z", .float32(Tensor(ramp(6), shape: [2, 3]))),
        ("a\"\\\n\u{1}é😀", .float32(Tensor(ramp(4), shape: [1, 2, 2]))),
        ("ids", .int64([-1, 1 << 40, 7], shape: [1, 3])),
        ("scalar", .float32(.scalar(3.5))),
        ("empty", .float32(Tensor([], shape: [0, 4]))),
      ], metadata: ["format": "np \"é\"\t"], to: path)
    #expect(try bytes(ofFileAt: path) == bytes(ofFileAt: fixture("written.safetensors")))
    let file = try SafetensorsFile(path: path)
    #expect(try file.tensor("z").values == ramp(6))
    #expect(try file.tensor("b.half").values == ramp(5))
    #expect(try file.integers("ids") == [-1, 1 << 40, 7])
    #expect(try file.tensor("empty").shape == [0, 4])
    #expect(try file.tensor("scalar").item == 3.5)
    #expect(file.metadata.map(\.value) == ["np \"é\"\t"])
    #expect(try folder.names() == ["out.safetensors"])
  }

  @Test("A name that another tensor has, and numbers that do not fill their shape, are refused")
  func refusedPayloads() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.safetensors"
    let one = SafetensorsWriter.Payload.float32(Tensor([1], shape: [1]))
    let cases: [[(name: String, payload: SafetensorsWriter.Payload)]] = [
      [("a", one), ("a", one)], [("__metadata__", one)], [("a", .int64([1, 2], shape: [3]))],
    ]
    for tensors in cases {
      let error = fileError { try SafetensorsWriter.write(tensors, to: path) }
      #expect(error?.kind == .malformed && error?.path == path)
      #expect(try folder.names().isEmpty)
    }
  }
}
