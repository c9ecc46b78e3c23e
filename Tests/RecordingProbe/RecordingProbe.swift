import AttentionTrace
import Glibc

/// Records a synthetic run, and says on standard output how many calls are acknowledged, pass by
/// pass, so that a test can kill it at any moment and hold it to what it said; or packs such a run.
///
///     RecordingProbe FOLDER STEPS [process|power] [OPTION ...]
///     RecordingProbe FOLDER pack|undo
///
/// Options:
///
///     largest=BYTES      no file may grow larger
///     tries=N            the refinement's tries in the first step: 2 unless told
///     wait=begin|record|close
///                        says the word, and waits for a byte on standard input: before the folder is
///                        opened, before the first pass, or before the recording is closed
///     memory             says behind each number of calls how many bytes are resident
@main
struct RecordingProbe {
  static func main() {
    let arguments = CommandLine.arguments
    if arguments.count == 3, ["pack", "undo"].contains(arguments[2]) {
      return pack(arguments[1], undo: arguments[2] == "undo")
    }
    guard arguments.count >= 3, let steps = Int(arguments[2]) else {
      print("usage: RecordingProbe FOLDER STEPS [process|power] [OPTION ...]")
      exit(64)
    }
    let words = arguments.dropFirst(3)
    func value(_ option: String) -> String? {
      words.first { $0.hasPrefix(option + "=") }.map { String($0.dropFirst(option.count + 1)) }
    }
    if let bytes = value("largest").flatMap(UInt.init) {
      var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
      setrlimit(__rlimit_resource_t(1), &limit)
      signal(SIGXFSZ, SIG_IGN)
    }
    if value("wait") != nil { allowTracing() }
    var run = SyntheticRun.complete(steps: steps)
    if let tries = value("tries").flatMap(Int.init) { run.tries = tries }
    let tellsMemory = words.contains("memory")
    do {
      try run.record(
        into: RunFolder(path: arguments[1]),
        durability: words.contains("power") ? .power : .process,
        at: { if value("wait") == $0.rawValue { wait($0.rawValue) } },
        progress: { say(tellsMemory ? "\($0) \(resident())\n" : "\($0)\n") })
    } catch {
      say("\(error)\n")
      exit(74)
    }
  }

  private static func pack(_ path: String, undo: Bool) {
    do {
      let pack = try RunPack(path)
      say("\(try undo ? pack.undo() : pack.pack())\n")
    } catch {
      say("\(error)\n")
      exit(74)
    }
  }

  private static func wait(_ word: String) {
    say(word + "\n")
    var byte: UInt8 = 0
    _ = read(0, &byte, 1)
  }

  /// The bytes that are resident now.
  private static func resident() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let fields = line.prefix { $0 != 0 }.split(separator: 0x20)
    guard fields.count > 1 else { return 0 }
    let pages = Int(String(decoding: fields[1].map { UInt8(bitPattern: $0) }, as: UTF8.self)) ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// Lets a process attach that did not start this one, where the kernel asks for consent.
  private static func allowTracing() {
    typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    let (setTracer, anyone) = (Int32(0x5961_6d61), UInt.max)
    _ = function("prctl", as: Control.self)(setTracer, anyone, 0, 0, 0)
  }

  /// Unbuffered, so that what was said is true even if the process is killed right after; by a call of
  /// the system that no test makes fail.
  private static func say(_ text: String) {
    typealias Write =
      @convention(c) (Int32, UnsafePointer<iovec>, Int32, Int, Int32) -> Int
    let write = function("pwritev2", as: Write.self)
    var bytes = Array(text.utf8)
    bytes.withUnsafeMutableBytes {
      var piece = iovec(iov_base: $0.baseAddress, iov_len: $0.count)
      _ = write(1, &piece, 1, -1, 0)
    }
  }

  /// A function of the C library that Swift's module of it leaves out.
  private static func function<Function>(_ name: String, as _: Function.Type) -> Function {
    unsafeBitCast(dlsym(nil, name), to: Function.self)
  }
}
