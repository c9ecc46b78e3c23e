import ArgumentParser
import AttentionTrace
import TensorEngine

/// Runs whose recordings are put into few files, or back into many.
struct Pack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts the recording of complete runs into few files.",
    discussion: """
      Examples:
        heed pack runs
        heed pack --undo runs/a-cat-and-a-frog/attend-and-excite/seed-0

      File systems of clusters allow for so many files. A run has one for each call and layer; packed, it \
      has one for each array, by the codec sharding_indexed of Zarr v3, which zarr-python and xarray \
      read. Every command reads packed runs, and says the same of them; --undo gives back the same files, \
      byte for byte.

      What is made stands beside what is there until it is on the disk: a run needs its size once more \
      meanwhile. Interrupted at any moment, the run can be read, and the same command goes on. Runs that \
      are unfinished or damaged stay as they are. Prints a line for each run.
      """)

  @Argument(
    help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"),
    completion: .runs)
  var runs: [String]

  @Flag(help: "Unpack: the files of a run become those before packing.")
  var undo = false

  func run() throws {
    let places = try RunSearch.distinct(runs)
    Interrupt.watch()
    var refused = 0
    var hasNoted = false
    for place in places {
      try Interrupt.check()
      do {
        let pack = try RunPack(place.path)
        if let notice = pack.lockNotice, !hasNoted {
          Message.note(notice)
          hasNoted = true
        }
        print(line(try undo ? pack.undo() : pack.pack(), of: place.path))
      } catch let error as TraceError where places.count > 1 && error.concernsOneRun {
        Message.error("\(error)")
        refused += 1
      }
    }
    guard refused == 0 else {
      let done = undo ? "unpacked" : "packed"
      throw Failure(.dataError, "\(refused) of \(places.count) runs not \(done)")
    }
  }

  private func line(_ outcome: RunPack.Outcome, of path: String) -> String {
    switch outcome {
    case .done(let before, let after):
      "\(path): \(before) files \(undo ? "unpacked to" : "packed into") \(after)"
    case .wasDone: "\(path): \(undo ? "not packed" : "packed already")"
    case .noRecording: "\(path): has no recording"
    }
  }
}

extension TraceError {
  /// Whether a run is refused for what it is, so that others may fare better.
  fileprivate var concernsOneRun: Bool {
    switch self {
    case .notPackable, .malformed, .checksum, .busy, .mayBeBusy: true
    default: false
    }
  }
}
