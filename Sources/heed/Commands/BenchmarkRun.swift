public import ArgumentParser
import AttentionTrace
import Diffusion
public import Evaluation
import Foundation
import PromptText
import Synchronization
import TensorEngine

/// The runs of a suite of prompts by several methods.
struct BenchmarkRun: PictureCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Makes the runs of a suite of prompts, by several methods, from several seeds.",
    usage: """
      heed benchmark run [--suite <suite>] [--methods <methods>] [--seeds <list>] [<options>]
      """,
    discussion: """
      Examples:
        heed benchmark run --seeds 0..1
        heed benchmark run --methods all --seeds 0..63 --dry-run
        heed benchmark run --suite prompts.yaml --shard 3/128 -o bench

      A run is a folder OUTPUT/runs/PROMPT/METHOD/seed-N, by the prompt's id in the suite. Complete runs \
      are not made again, interrupted ones resume. Of the attention, the maps of the subjects' words are \
      recorded, their mean over the heads: --heads all records each head.

      Of a large benchmark, each process makes a shard, on its own or in a job array of Slurm, SGE or LSF; \
      shards may share the folder, or their folders are copied together. On SIGTERM and SIGUSR1 a process \
      ends after the current pass with exit code 75, and the same command resumes.

      All options: heed help benchmark run. Methods: heed help methods.
      """)

  @Option(
    help: ArgumentHelp(
      "A suite: attend-and-excite, the 276 prompts of its paper, or a file; see evaluation.md.",
      valueName: "suite"))
  var suite = "attend-and-excite"

  @Option(help: "The form of the suite's file. (default: as its ending and content say)")
  var suiteFormat: SuiteFormat?

  @Option(
    help: ArgumentHelp(
      "Methods, separated by commas, or all; see heed help methods.", valueName: "methods"),
    completion: .names(["all"] + Methods.all.map(\.name)))
  var methods = "stable-diffusion,attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..63 or 7,12.", valueName: "list"))
  var seeds = "0..1"

  @Option(
    name: [.short, .long], help: ArgumentHelp("The benchmark's folder.", valueName: "folder"))
  var output = "bench"

  @OptionGroup var part: ShardOptions

  @Flag(
    help: "Print the command of each shard, one a line, and exit; without --shards, of each run.")
  var list = false

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      Also make the first method's runs that can be varied so with a knob at other values, as in \
      step-size=5,10,40; repeatable.
      """, valueName: "knob=values"))
  var vary: [String] = []

  @Flag(
    help: """
      The ablations of Attend-and-Excite's paper: no smoothing, no refinement, the step after which the \
      latent is left alone, step size, and the resolution of the attention that is read.
      """)
  var ablations = false

  @OptionGroup var options: RunOptions

  func validate() throws {
    if list, part.shard != nil { throw ValidationError("--shard and --list exclude each other") }
  }

  func run() throws {
    let suite = try Suite.find(self.suite, format: suiteFormat)
    let orders = try ordered(suite, try chosenMethods())
    Message.nouns(orders)
    if list { return try printList(BenchmarkPlan(orders, shard: .whole).runs.count) }
    let plan = BenchmarkPlan(orders, shard: try part.chosen())
    guard let first = orders.first, let model = first.plans.first?.model else { return }
    let folder = BenchmarkFolder(output)
    let batches = try plan.batches(runner(model), atATime: options.batch.batch)
    noteCut(orders)
    if options.recording.dryRun {
      let left = plan.remaining(in: folder.runs)
      let batches = try left.batches(runner(model), atATime: options.batch.batch)
      return try BenchmarkCost.print(left, batches, of: plan, in: output)
    }
    try plan.checkDisk(in: folder.runs)
    try folder.add(
      BenchmarkRecord(
        suite: suite.name, model: model.checkpoint.name,
        methods: first.plans.map { ($0.methodName, $0.methodTitle) }, seeds: first.seeds),
      of: suite)
    Interrupt.watch(requeueing: true)
    let progress = Progress(total: plan.iterations)
    let found = Atomic(0)
    let bare = Mutex<[String]>([])
    for batch in batches {
      try batch.run(in: folder.runs) { plan, event in
        // Of thousands of runs that were complete, a line each would tell nothing.
        if case .found = event {
          found.add(1, ordering: .relaxed)
          let image = plan.folder(in: folder.runs).image
          if !FileManager.default.fileExists(atPath: image) { bare.withLock { $0.append(image) } }
        }
        progress.tell(event, of: plan, in: folder.runs, isTellingFound: false)
      }
    }
    let made = plan.runs.count - found.load(ordering: .relaxed)
    Message.note("\(plan.runs.count) runs are complete, \(made) of them made now")
    Message.chosen(orders.flatMap(\.plans))
    let lost = bare.withLock { $0.sorted() }
    if let first = lost.first {
      throw Failure(
        .missingInput,
        "\(lost.count) of \(plan.runs.count) complete runs lack their picture, as \(first): remove the "
          + "folders of these runs, and the same command makes them again")
    }
  }

  /// Says how many prompts are longer than what the model reads.
  private func noteCut(_ orders: [RunOrder]) {
    let cut = orders.filter { !$0.prompt.leftOut.isEmpty }
    guard let first = cut.first else { return }
    let id = first.plans.first?.promptFolder ?? first.prompt.prompt
    Message.note(
      "\(cut.count) of \(orders.count) prompts are longer than \(first.prompt.tokens.count) tokens, as \(id): "
        + "their last words are left out")
  }

  /// The runs of each prompt, in its folder.
  private func ordered(_ suite: Suite, _ methods: [any Method]) throws -> [RunOrder] {
    let seeds = try SeedList(self.seeds).seeds
    let (model, picture, previews) = try loaded()
    func request(_ prompt: SuitePrompt, _ table: TokenTable) throws -> RunRequest {
      var request = try options.template(table, picture, previews, on: model)
      if options.details.heads == nil { request.recording?.reducedHeads = .mean }
      if !prompt.subjects.isEmpty, request.subjects == nil { request.subjects = prompt.references }
      return request
    }
    func plain(_ prompt: SuitePrompt, _ methods: [any Method]) throws -> RunOrder {
      try Failure.naming(prompt, of: suite) {
        try RunOrder(
          prompt.prompt, by: methods, from: seeds, needsSubjects: !prompt.subjects.isEmpty,
          isOfSuite: true, reading: options.reading, on: model, like: { try request(prompt, $0) })
      }
    }
    func ordered(_ prompt: SuitePrompt, _ methods: [any Method]) throws -> RunOrder {
      let order = try plain(prompt, methods)
      let varied = try variations(of: order).flatMap { sweep, method in
        try Failure.naming(prompt, of: suite) {
          try sweep.orders(
            prompt.prompt, by: method, from: seeds, isOfSuite: true, reading: options.reading,
            on: model, like: { try request(prompt, $0) })
        }
      }
      return RunOrder(joining: [order] + varied).inFolder(prompt.id)
    }
    var (methods, orders): ([any Method], [RunOrder]) = (methods, [])
    while orders.count < suite.prompts.count {
      let prompt = suite.prompts[orders.count]
      do { orders.append(try ordered(prompt, methods)) } catch  where self.methods == "all" {
        let usable = methods.filter { method in
          Self.isUsable(method) { _ = try plain(prompt, [$0]) }
        }
        guard !usable.isEmpty, usable.count < methods.count else { throw error }
        // Every prompt has the same methods.
        (methods, orders) = (usable, [])
      }
    }
    return orders
  }

  /// Whether a method can be planned without more than a prompt and the options given; says so where
  /// it cannot.
  private static func isUsable(
    _ method: any Method, _ plan: (any Method) throws -> Void
  ) -> Bool {
    do { try plan(method) } catch {
      Message.note("left out: \(method.name): \(error)")
      return false
    }
    return true
  }

  /// What is varied, and the method of `order` that is.
  private func variations(of order: RunOrder) throws -> [(Evaluation.Sweep, any Method)] {
    let methods = order.plans.map(\.request.method)
    let named = try vary.map { text in
      let knob = String(text.prefix { $0 != "=" })
      let method = methods.first { method in
        method.knobs.contains { $0.name == knob || $0.alias == knob }
      }
      return (try Evaluation.Sweep(text, of: method ?? methods[0]), method ?? methods[0])
    }
    guard ablations else { return named }
    guard let plan = order.plans.first(where: { $0.request.method is AttendAndExcite }) else {
      throw Failure(.usage, "--ablations are of attend-and-excite; expected it among --methods")
    }
    return try named + AblationSuite.sweeps(of: plan).map { ($0, plan.request.method) }
  }

  /// Prints the command of each shard, for Snakemake, GNU parallel or HyperQueue.
  private func printList(_ runs: Int) throws {
    let count = min(part.shards ?? runs, runs)
    let words = ShellWord.without(
      CommandLine.arguments, flags: ["--list"], options: ["--shards"])
    let command = words.map(ShellWord.quoted).joined(separator: " ")
    for index in 0..<count { print("\(command) --shard \(index)/\(count)") }
  }

  /// What all runs take.
  func cost() throws -> BenchmarkCost {
    let suite = try Suite.find(self.suite, format: suiteFormat)
    let orders = try ordered(suite, try chosenMethods())
    Message.nouns(orders)
    let plan = BenchmarkPlan(orders, shard: .whole)
    guard let model = plan.orders.first?.plans.first?.model else {
      throw Failure(.dataError, "\(suite.name): expected prompts, got none")
    }
    return try BenchmarkCost(plan, plan.batches(runner(model), atATime: options.batch.batch))
  }

  private func runner(_ model: StableDiffusion) -> Runner {
    Runner(model, durability: options.details.durability, packs: options.recording.pack)
  }

  /// The methods that were named, or all.
  private func chosenMethods() throws -> [any Method] {
    guard methods == "all" else {
      return try options.knobs.applied(to: MethodList(option: "--methods", methods).methods)
    }
    return try options.knobs.applied(to: Methods.all)
  }
}

extension SuiteFormat: ExpressibleByArgument {}
