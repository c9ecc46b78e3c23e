import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("Strict JSON")
struct IOJSONTests {
  private func parse(_ text: String, depthLimit: Int = 32) throws -> JSONValue {
    try StrictJSON.parse(Array(text.utf8), file: "d.json", depthLimit: depthLimit)
  }

  private func object(_ members: [(String, JSONValue)]) -> JSONValue {
    var index = NameIndex()
    for (key, _) in members { _ = index.insert(key) }
    return .object(JSONObject(index: index, values: members.map(\.1)))
  }

  @Test(
    "A valid value is read as it is written",
    arguments: [
      ("null", .null), (" true ", .bool(true)), ("false\n", .bool(false)),
      ("0", .integer(0)), ("-0", .integer(0)), ("12", .integer(12)),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775808", .number(9.223372036854775808e18)),
      ("1000000000000000019884624838656", .number(1e30)),
      ("1.0", .number(1)), ("-0.5", .number(-0.5)), ("1e2", .number(100)),
      ("2E-3", .number(0.002)), ("1.25e+1", .number(12.5)), ("1e-400", .number(0)),
      ("\"\"", .string("")), ("\"a b\"", .string("a b")), ("\"é😀\"", .string("é😀")),
      ("\"\u{7F}\"", .string("\u{7F}")),
      (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
      (#""\u0041\u00e9\u20AC\ud83d\uDE00\u0000""#, .string("Aé€😀\0")),
      (#""é\n😀""#, .string("é\n😀")),
      ("[]", .array([])), ("[ ]", .array([])),
      ("\t[1 ,\r\n2]", .array([.integer(1), .integer(2)])),
      ("[[],[[]]]", .array([.array([]), .array([.array([])])])),
    ] as [(String, JSONValue)])
  func valid(text: String, expected: JSONValue) throws {
    #expect(try parse(text) == expected)
  }

  @Test("Infinities and NaN are read as Python writes them, and only where they are asked for")
  func notFinite() throws {
    for (text, expected) in [("Infinity", Double.infinity), ("-Infinity", -.infinity)] {
      #expect(try JSONNode(parse(text), file: "d.json").extendedDouble() == expected)
    }
    #expect(try JSONNode(parse(" NaN "), file: "d.json").extendedDouble().isNaN)
    let node = JSONNode(try parse(#"{"a": [1, -Infinity]}"#), file: "d.json")
    let number = try node.member("a").elements()[1]
    let error = fileError { try number.double() }
    #expect(error?.reason == "expected a finite number, got the number -inf")
  }

  @Test("An object keeps its members' order and finds them by key")
  func objects() throws {
    #expect(try parse("{}") == object([]))
    let value = try parse(#"{"b": 1, "a": [2], "": {"b": null}}"#)
    #expect(
      value
        == object([
          ("b", .integer(1)), ("a", .array([.integer(2)])), ("", object([("b", .null)])),
        ]))
    guard case .object(let members) = value else { return }
    #expect(members.keys == ["b", "a", ""])
    #expect(members["a"] == .array([.integer(2)]))
    #expect(members["c"] == nil)
  }

  @Test(
    "What the grammar does not allow is refused at its byte",
    arguments: [
      ("", 0, "the end"), ("  ", 2, "the end"), ("nul", 0, "a value"), ("True", 0, "a value"),
      ("nan", 0, "a value"), ("-Inf", 0, "a value"), ("+Infinity", 0, "a value"),
      ("+1", 0, "a value"),
      ("01", 0, "leading zero"), ("-01", 0, "leading zero"), ("-", 1, "a digit"),
      ("1.", 2, "a digit"), (".5", 0, "a value"), ("1.e3", 2, "a digit"), ("1e", 2, "a digit"),
      ("1e+", 3, "a digit"), ("1e999", 0, "beyond a double"), ("-1e999", 0, "beyond a double"),
      ("0x10", 1, "the end of the document"), ("1 2", 2, "the end of the document"),
      ("[1,]", 3, "a value"), ("[,1]", 1, "a value"), ("[1 2]", 3, "',' or ']'"),
      ("[1", 2, "',' or ']'"), ("[", 1, "']'"), ("]", 0, "a value"), ("[1}", 2, "',' or ']'"),
      ("{", 1, "'}'"), ("{\"a\":1,}", 7, "a key"), ("{a:1}", 1, "a key"), ("{1:1}", 1, "a key"),
      ("{'a':1}", 1, "a key"), ("{\"a\" 1}", 5, "':'"), ("{\"a\":}", 5, "a value"),
      ("{\"a\":1", 6, "',' or '}'"), ("{\"a\":1 \"b\":2}", 7, "',' or '}'"),
      ("{\"a\":1}}", 7, "the end of the document"), ("[1]//", 3, "the end of the document"),
      ("/**/1", 0, "a value"), ("\"a", 0, "closing"), ("\"a\\", 3, "escape"),
      ("\"a\\\"", 0, "closing"), ("\"\\x\"", 1, "unknown escape"),
      ("\"\\u12g4\"", 5, "hexadecimal"), ("\"\\u12", 5, "hexadecimal"),
      ("\"\\ud800\"", 1, "lone surrogate"), ("\"\\udc00\"", 1, "lone surrogate"),
      ("\"\\ud800\\u0041\"", 1, "lone surrogate"), ("\"\\ud800\\ud800\"", 1, "lone surrogate"),
      ("\"ab\\ud800x\"", 3, "lone surrogate"), ("\"a\tb\"", 2, "control character"),
      ("\"a\nb\"", 2, "control character"), ("\"\\n\u{1}\"", 3, "control character"),
      ("\u{FEFF}1", 0, "a value"), ("\u{A0}1", 0, "a value"), ("1\0", 1, "the end"),
      ("{\"a\":1,\"a\":2}", 7, "duplicate key \"a\""),
      ("{\"a\":1,\"\\u0061\":2}", 7, "duplicate key \"a\""),
      ("{\"x\":{\"a\":1,\"b\":1,\"a\":2}}", 18, "duplicate key \"a\""),
    ] as [(String, Int, String)])
  func invalid(text: String, offset: Int, reason: String) {
    let error = fileError { try parse(text) }
    #expect(error?.offset == offset, "\(error.debugDescription)")
    #expect(error?.reason.contains(reason) == true, "\(error.debugDescription)")
    #expect(error?.kind == .malformed)
    #expect(error?.path == "d.json")
  }

  @Test(
    "A string that is not UTF-8 is refused at the bad byte",
    arguments: [
      ([0x22, 0xFF, 0x22], 1), ([0x22, 0x61, 0xC3, 0x22], 2), ([0x22, 0xC3, 0xA9, 0x80, 0x22], 3),
      ([0x22, 0xC0, 0x80, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
      ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1), ([0x22, 0xE2, 0x82, 0x22], 1),
      ([0x22, 0x5C, 0x6E, 0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x9F, 0x22], 7),
    ] as [([UInt8], Int)])
  func invalidUTF8(bytes: [UInt8], offset: Int) {
    let error = fileError { try StrictJSON.parse(bytes, file: "d.json") }
    #expect(error?.offset == offset)
    #expect(error?.reason == "a string that is not UTF-8")
  }

  @Test("Keys that are equal only as Unicode text are two keys")
  func canonicalEquivalence() throws {
    guard case .object(let members) = try parse("{\"\u{E9}\":1,\"e\u{301}\":2}") else { return }
    #expect(members["\u{E9}"] == .integer(1))
    #expect(members["e\u{301}"] == .integer(2))
  }

  @Test("Nesting ends at the limit")
  func depth() throws {
    let deep = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
    _ = try parse(deep(32))
    #expect(fileError { try parse(deep(33)) }?.offset == 32)
    #expect(fileError { try parse(deep(200_000)) }?.reason == "nested deeper than 32 levels")
    _ = try parse(deep(100), depthLimit: 100)
    let objects = String(repeating: "{\"a\":", count: 33)
    #expect(fileError { try parse(objects) }?.reason == "nested deeper than 32 levels")
  }

  @Test("Every truncation of a document is refused")
  func truncation() throws {
    let text = #"{"a": [1, -2.5e3, true, null], "é\n": {"b": "\ud83d\ude00"}, "c": "x"}"#
    let whole = Array(text.utf8)
    _ = try StrictJSON.parse(whole, file: "d")
    for count in 0..<whole.count {
      let error = fileError { try StrictJSON.parse(Array(whole[..<count]), file: "d") }
      #expect((error?.offset ?? .max) <= count)
    }
  }

  @Test("Random documents are read as Foundation reads them")
  func differential() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let document = Self.random(depth: 4, &generator)
      let data = try JSONSerialization.data(
        withJSONObject: ["x": document], options: [.sortedKeys, .fragmentsAllowed])
      let value = try StrictJSON.parse([UInt8](data), file: "d")
      guard case .object(let root) = value, let ours = root["x"] else { continue }
      #expect(Self.same(ours, document))
    }
  }

  private static func random(
    depth: Int, _ generator: inout SystemRandomNumberGenerator
  ) -> Any {
    switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &generator) {
    case 0: return Int.random(in: .min ... .max, using: &generator)
    case 1: return Double.random(in: -1e3...1e3, using: &generator) + 0.5
    case 2: return NSNull()
    case 3: return randomText(&generator)
    case 4: return (0..<3).map { _ in random(depth: depth - 1, &generator) }
    default:
      var members: [String: Any] = [:]
      for _ in 0..<12 { members[randomText(&generator)] = random(depth: depth - 1, &generator) }
      return members
    }
  }

  private static func randomText(_ generator: inout SystemRandomNumberGenerator) -> String {
    let scalars = (0..<Int.random(in: 0..<9, using: &generator)).compactMap { _ in
      Unicode.Scalar(UInt32.random(in: 0..<0x300, using: &generator))
    }
    return String(String.UnicodeScalarView(scalars)) + (Bool.random(using: &generator) ? "😀" : "")
  }

  private static func same(_ ours: JSONValue, _ theirs: Any) -> Bool {
    switch ours {
    case .null: theirs is NSNull
    case .bool: false
    case .integer(let value): theirs as? Int == value
    case .number(let value): theirs as? Double == value
    case .string(let value): theirs as? String == value
    case .array(let values):
      (theirs as? [Any]).map { $0.count == values.count && zip(values, $0).allSatisfy(same) }
        ?? false
    case .object(let members):
      (theirs as? [String: Any]).map { dictionary in
        dictionary.count == members.count
          && members.allSatisfy { key, value in dictionary[key].map { same(value, $0) } ?? false }
      } ?? false
    }
  }

  @Test("A file may begin with a byte order mark, which counts in the bytes of errors")
  func byteOrderMark() throws {
    let folder = try TemporaryFolder()
    func read(_ text: String) throws -> JSONValue {
      try StrictJSON.read(path: folder.file(Array("\u{FEFF}\(text)".utf8), name: "d.json")).value
    }
    let value = try read("[1]")
    #expect(value == .array([.integer(1)]))
    #expect(fileError { try read("[x]") }?.offset == 4)
    #expect(fileError { try read("\u{FEFF}[1]") }?.offset == 3)
    #expect(fileError { try read("") }?.offset == 3)
  }

  @Test("A configuration's values come with their place in errors")
  func nodes() throws {
    let folder = try TemporaryFolder()
    let text =
      #"{"layers": [{"width": 320}, {"width": "wide"}], "eps": 1, "none": null, "on": true}"#
    let node = try StrictJSON.read(path: folder.file(Array(text.utf8), name: "config.json"))
    #expect(try node.member("layers").elements()[0].member("width").integer() == 320)
    #expect(try node.member("eps").double() == 1)
    #expect(try node.member("on").bool())
    #expect(try node.optionalMember("none")?.value == nil)
    #expect(try node.optionalMember("other")?.value == nil)
    let wrong = fileError { try node.member("layers").elements()[1].member("width").integer() }
    #expect(wrong?.subject == ".layers[1].width")
    #expect(
      wrong?.description.hasSuffix(
        "config.json: .layers[1].width: expected an integer, got the string \"wide\"") == true)
    #expect(
      fileError { try node.member("width") }?.reason == "expected a key \"width\", got none")
    #expect(
      fileError { try node.member("eps").member("x") }?.reason
        == "expected an object, got the integer 1")
    #expect(fileError { try node.member("on").strings() }?.reason == "expected an array, got true")
  }

  @Test("An index of names finds each of many names and no other")
  func nameIndex() {
    var index = NameIndex()
    for number in 0..<5000 {
      let (isNew, isKnown) = (index.insert("name\(number)"), !index.insert("name\(number / 2)"))
      #expect(isNew && isKnown)
    }
    #expect(index.names.count == 5000)
    for number in 0..<5000 { #expect(index.position(of: "name\(number)") == number) }
    #expect(index.position(of: "name5000") == nil)
  }
}
