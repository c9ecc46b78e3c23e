import ArgumentParser
import AttentionTrace
import CMemory
import Foundation
import TensorEngine

/// The command: parses, calls the libraries in order, prints.
@main
struct Heed: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heed",
    abstract:
      "Shows what a text-to-image diffusion model attends to, and restores neglected subjects.",
    discussion: """
      Results go to standard output, messages and progress to standard error.

      Exit codes: 0 done; 1 a comparison failed; 64 wrong usage; 65 bad data in a file or prompt; \
      66 missing input; 69 the checkpoint lacks what was asked for; 71 too little memory; 73 the output \
      cannot be created; 74 input/output error or disk full; 130 interrupted (the same command resumes).

      heed help methods lists the methods, and heed help METHOD has what one does and its knobs.

      heed.yaml holds defaults of options; heed config shows them. HEED_THREADS sets the number of \
      threads (default: all cores), HEED_ISA the instruction set of the kernels: baseline, avx2, \
      avx512, amx, or split, which computes what amx does on any machine, slowly (default: the \
      machine's best). HEED_LIMITS allows files that ask for more than is read from a stranger, as in \
      chunk=4G; the message about such a file names the limit.
      """,
    version: HeedVersion.details,
    subcommands: [
      Compare.self, Generate.self, Sweep.self, Explain.self, Tokens.self, List.self, Sheet.self,
      Report.self, Export.self, VerifyExport.self, Import.self, Analyze.self, Causal.self,
      Check.self, Pack.self, Verify.self, Model.self, Benchmark.self, StudyCommand.self,
      Config.self,
    ])

  /// The commands' names, in the order of the help.
  static var commandNames: [String] { configuration.subcommands.map { $0._commandName } }

  static func main() {
    do {
      try Arguments.checkEncoding()
      try Arguments.setThreads()
      try Arguments.setInstructionSet()
      try Arguments.setLimits()
      try Arguments.checkLengths()
      // The process is Heed's own.
      Engine.keepFreedMemory()
      if MemoryLimit.boundsAddresses { heed_use_one_arena() }
      // A write beyond the limit on file sizes must fail like one on a full disk, not end the process.
      signal(SIGXFSZ, SIG_IGN)
      if let page = MethodHelp(CommandLine.arguments.dropFirst()) {
        print(page.text)
      } else {
        let arguments = try Defaults.added(to: Array(CommandLine.arguments.dropFirst()))
        try Arguments.$effective.withValue(arguments) {
          var command = try parseAsRoot(arguments)
          try ResourceFolder.requireAll()
          try command.run()
        }
      }
      guard fflush(nil) == 0 else {
        let reason = unsafe String(cString: strerror(errno))
        throw Failure(.inputOutput, "standard output cannot be written: \(reason)")
      }
    } catch {
      Failure.exit(error)
    }
  }
}

/// The process's arguments and environment.
enum Arguments {
  /// What the command was given, with the defaults that were added.
  @TaskLocal static var effective: [String] = []

  /// Sets the number of threads to HEED_THREADS, and refuses a value that is not a number of threads;
  /// without it, to what Slurm gave the task, at most the cores that it may run on.
  static func setThreads() throws {
    let variables = ProcessInfo.processInfo.environment
    guard let text = variables["HEED_THREADS"] else {
      if let cores = variables["SLURM_CPUS_PER_TASK"].flatMap({ Int($0) }), cores > 0 {
        Engine.threads = min(cores, Engine.threads)
      }
      return
    }
    guard let threads = Int(text), (1...1024).contains(threads) else {
      throw Failure(.usage, "HEED_THREADS is '\(text)'; expected a number of threads, 1 to 1024")
    }
    Engine.threads = threads
  }

  /// Makes the kernels run with HEED_ISA, and refuses an instruction set that the machine lacks.
  static func setInstructionSet() throws {
    guard let text = ProcessInfo.processInfo.environment["HEED_ISA"] else { return }
    guard let set = InstructionSet(rawValue: text), set.use() else {
      let choices = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
      throw Failure(.usage, "HEED_ISA is '\(text)'; this machine has \(choices)")
    }
  }

  /// Allows files to be as large as HEED_LIMITS says.
  static func setLimits() throws {
    guard let text = ProcessInfo.processInfo.environment["HEED_LIMITS"] else { return }
    if let reason = FileLimit.allow(text) {
      throw Failure(.usage, "HEED_LIMITS is '\(text)'; \(reason)")
    }
  }

  /// The variables that say how the process works, not what a command makes.
  static let processVariables: Set = ["HEED_THREADS", "HEED_ISA", "HEED_LIMITS"]

  /// Refuses an argument that is longer than any prompt.
  static func checkLengths() throws {
    for (index, argument) in CommandLine.arguments.enumerated() {
      guard let excess = FileLimit.excess(ofPrompt: argument) else { continue }
      throw Failure(.dataError, "argument \(index): \(excess)")
    }
  }

  /// Refuses an argument that is not UTF-8, which Swift would repair silently.
  static func checkEncoding() throws {
    for index in 0..<Int(CommandLine.argc) {
      guard let argument = unsafe CommandLine.unsafeArgv[index] else { continue }
      if unsafe String(validatingCString: argument) == nil {
        throw Failure(
          .dataError,
          unsafe "argument \(index) is not UTF-8 (shown repaired): \(String(cString: argument))")
      }
    }
  }
}
