import Glibc

// Unsafe: libFuzzer lends its bytes for the length of the call.

/// The parser that the environment's `HEED_PARSER` names.
///
/// There is no `main`: it is libFuzzer's. The build makes one executable for all parsers, as linking with the
/// sanitizers takes longer than a parser's minute of fuzzing.
private let parser: FuzzedParser = {
  let name = getenv("HEED_PARSER").map { String(cString: $0) } ?? ""
  guard let parser = FuzzedParser(rawValue: name) else {
    print("parsers: " + FuzzedParser.allCases.map(\.rawValue).joined(separator: " "))
    fflush(nil)
    // libFuzzer takes an `exit` for a crash.
    _exit(name.isEmpty ? 0 : 64)
  }
  return parser
}()

/// Makes what a parser needs before its first input, whose time counts.
@_cdecl("LLVMFuzzerInitialize")
public func prepare(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?)
  -> CInt
{
  try? parser.read([])
  return 0
}

/// Gives bytes to the parser, which reads them or throws an error of ours; all else ends the process.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: bytes, count: count))
  do {
    try parser.read(input)
  } catch {
    FuzzedParser.judge(error)
  }
  return 0
}
