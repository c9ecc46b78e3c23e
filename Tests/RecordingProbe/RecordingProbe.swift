import AttentionTrace
import Glibc

/// Records a synthetic run, and says on standard output how many calls are acknowledged, pass by
/// pass, so that a test can kill it at any moment and hold it to what it said; or packs such a run.
///
///     RecordingProbe FOLDER STEPS [process|power] [LARGEST FILE IN BYTES]
///     RecordingProbe FOLDER pack|undo
@main
struct RecordingProbe {
  static func main() {
    let arguments = CommandLine.arguments
    if arguments.count == 3, ["pack", "undo"].contains(arguments[2]) {
      return pack(arguments[1], undo: arguments[2] == "undo")
    }
    guard arguments.count >= 3, let steps = Int(arguments[2]) else {
      print("usage: RecordingProbe FOLDER STEPS [process|power] [LARGEST FILE IN BYTES]")
      exit(64)
    }
    if arguments.count > 4, let bytes = UInt(arguments[4]) {
      var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
      setrlimit(__rlimit_resource_t(1), &limit)
      signal(SIGXFSZ, SIG_IGN)
    }
    let run = SyntheticRun.complete(steps: steps)
    do {
      try run.record(
        into: RunFolder(path: arguments[1]),
        durability: arguments.count > 3 ? Durability(rawValue: arguments[3]) ?? .process : .process
      ) { acknowledged in say("\(acknowledged)\n") }
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

  /// Unbuffered, so that what was said is true even if the process is killed right after.
  private static func say(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
  }
}
