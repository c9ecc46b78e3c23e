import ArgumentParser
import Evaluation
import Foundation
import TensorEngine

/// A benchmark's runs as a job array of Slurm.
struct BenchmarkSubmit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Submits a benchmark's runs as a job array, sized from their plan.",
    usage: "heed benchmark submit --slurm [--hours <hours>] [<options of heed benchmark run>]",
    discussion: """
      Writes the script OUTPUT/submit.sh and gives it to sbatch. A task of the array makes a shard. Two \
      minutes before its time is over Slurm sends SIGTERM, the task ends after the current pass, and is put \
      into the queue again, where it resumes. The whole tree is in OUTPUT; heed benchmark score follows.

      Other schedulers: heed benchmark run --list prints the commands, and evaluation.md has scripts.
      """)

  @Flag(help: "Submit to Slurm.")
  var slurm = false

  @Option(help: "Hours that a task takes at the most, by the plan; shorter tasks are more tasks.")
  var hours = 4.0

  @Option(help: ArgumentHelp("Cores of a task.", valueName: "cores"))
  var cpus = 8

  @Flag(help: "Write the script, and submit nothing.")
  var scriptOnly = false

  @OptionGroup var runs: BenchmarkRun

  /// Slurm's usual limit of an array's indices.
  private static let mostTasks = 1001

  func validate() throws {
    guard slurm else { throw ValidationError("Give --slurm; other schedulers: see evaluation.md") }
    guard hours > 0, hours <= 10_000 else {
      throw ValidationError("--hours is \(hours); expected more than 0")
    }
    guard (1...1024).contains(cpus) else {
      throw ValidationError("--cpus is \(cpus); expected 1 to 1024")
    }
    guard runs.part.shard == nil, !runs.list, !runs.options.recording.dryRun else {
      throw ValidationError("--shard, --list and --dry-run are for heed benchmark run")
    }
    // A backslash turns off what % stands for, and a line of options cannot go on.
    guard !runs.output.contains(where: { $0 == "\\" || $0.isNewline }) else {
      throw ValidationError(
        "--output is \(FileError.quoted(runs.output)); expected a path that Slurm takes, without a "
          + "backslash or the end of a line")
    }
  }

  func run() throws {
    Engine.threads = cpus
    let cost = try runs.cost()
    let tasks =
      runs.part.shards
      ?? min(
        cost.runs, Self.mostTasks, max(1, Int((cost.seconds.most / 3600 / hours).rounded(.up))))
    let each = cost.seconds.most / Double(tasks)
    // Nodes differ, and a task that is cut off resumes.
    let minutes = max(10, Int((each * 1.5 / 60).rounded(.up)))
    let script = runs.output + "/submit.sh"
    try OutputFolder.make(runs.output)
    let text = Self.script(
      command: command(tasks), log: Self.log(in: runs.output), tasks: tasks, cpus: cpus,
      megabytes: (cost.memory / 4 * 5) >> 20, minutes: minutes)
    try AtomicFile.write(to: script) { try $0.append(Array(text.utf8)) }
    print("\(script): \(tasks) tasks of up to \(minutes) minutes, \(cpus) cores each")
    guard !scriptOnly else { return }
    let sbatch = Process()
    sbatch.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    sbatch.arguments = ["sbatch", script]
    try sbatch.run()
    sbatch.waitUntilExit()
    guard sbatch.terminationStatus == 0 else {
      throw Failure(
        .unavailable,
        "sbatch \(script) ended with \(sbatch.terminationStatus); nothing was submitted")
    }
  }

  /// What a task runs: the command that was given, as heed benchmark run.
  private func command(_ tasks: Int) -> String {
    var words = Array(CommandLine.arguments.dropFirst())
    if let place = words.firstIndex(of: "submit") { words[place] = "run" }
    words = ShellWord.without(
      words, flags: ["--slurm", "--script-only"], options: ["--hours", "--cpus", "--shards"])
    let heed =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "heed"
    return ([heed] + words + ["--shards", "\(tasks)"]).map(ShellWord.quoted).joined(separator: " ")
  }

  /// The pattern of the tasks' logs, as a word of Slurm's options, in which %% is a %.
  private static func log(in folder: String) -> String {
    let path = folder.replacing("\"", with: "\\\"").replacing("%", with: "%%")
    return "\"\(path)/task-%a.log\""
  }

  /// A batch script; `--signal` and the trap are argued in evaluation.md.
  private static func script(
    command: String, log: String, tasks: Int, cpus: Int, megabytes: Int, minutes: Int
  ) -> String {
    """
    #!/bin/bash
    #SBATCH --job-name=heed
    #SBATCH --array=0-\(tasks - 1)
    #SBATCH --cpus-per-task=\(cpus)
    #SBATCH --mem=\(max(1024, megabytes))M
    #SBATCH --time=\(minutes)
    #SBATCH --signal=B:TERM@120
    #SBATCH --requeue
    #SBATCH --open-mode=append
    #SBATCH --output=\(log)

    # Slurm signals this shell; Heed ends after the current pass, with 75 if there is more to do.
    \(command) &
    heed=$!
    trap 'kill -TERM $heed' TERM USR1
    wait $heed
    code=$?
    # A trap ends a wait before the process has ended.
    while kill -0 $heed 2>/dev/null; do
      wait $heed
      code=$?
    done
    if [ $code -eq 75 ]; then
      # Slurm does not put a task back by its exit code.
      scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
    fi
    exit $code

    """
  }
}
