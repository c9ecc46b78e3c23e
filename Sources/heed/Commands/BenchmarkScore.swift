import ArgumentParser
import Evaluation
import Foundation

/// Scores of a benchmark's pictures.
struct BenchmarkScore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Scores the pictures of a benchmark by CLIP, OWL-ViT and BLIP.",
    usage: "heed benchmark score [<folder>] [--scorers <scorers>] [<options>]",
    discussion: """
      Scorers: clip (the prompt, its halves, and the smaller of both), owl (which subjects are there, in \
      which colours and relations), blip (captions, and by CLIP how like the prompt they are) and blip-vqa \
      (how sure BLIP is of each phrase of the prompt, T2I-CompBench's score).

      A checkpoint is a folder in transformers' layout. Without one, small evaluators that were trained on \
      the scenes of the model that comes with Heed are used: for pictures of other models, name real \
      ones. BLIP-VQA has no small one. Pictures that have a score are not scored again.

      Photos of what the prompts say show how high a score can be: FOLDER/PROMPT/*.jpg, with the prompt's id \
      or text as the folder's name. They have a row of their own, "photos (upper bound)".

      Prints the table of heed benchmark table.
      """)

  @Argument(help: ArgumentHelp("The benchmark's folder.", valueName: "folder"))
  var folder = "bench"

  @Option(
    help: ArgumentHelp(
      "Some of clip, owl, blip and blip-vqa. (default: all that have a checkpoint)",
      valueName: "scorers"))
  var scorers: String?

  @Option(help: ArgumentHelp("CLIP, as in clip-vit-base-patch16.", valueName: "folder"))
  var clip: String?

  @Option(help: ArgumentHelp("OWL-ViT or OWLv2.", valueName: "folder"))
  var owl: String?

  @Option(help: ArgumentHelp("BLIP for captions.", valueName: "folder"))
  var blip: String?

  @Option(help: ArgumentHelp("BLIP for questions.", valueName: "folder"))
  var blipVqa: String?

  @Option(
    help: "From which score on a subject counts as found. (default: the checkpoint's, or 0.1)")
  var threshold: Double?

  @Flag(
    help: "Replace articles in CLIP's sentences as words only, not as the official script does.")
  var cleanTemplates = false

  @Option(
    help: ArgumentHelp(
      "Score these photos too, in a folder for each prompt, as an upper bound.", valueName: "folder"
    ),
    completion: .directory)
  var photos: String?

  @Flag(help: "Score the runs that are complete, though others are not.")
  var partial = false

  @OptionGroup var part: ShardOptions

  private static let names = ["clip", "owl", "blip", "blip-vqa"]

  func validate() throws {
    if let threshold, !(0...1).contains(threshold) {
      throw ValidationError("--threshold is \(threshold); expected 0 to 1")
    }
  }

  func run() throws {
    let chosen = try chosenScorers()
    let bench = BenchmarkFolder(folder)
    let shard = try part.chosen()
    let photos = try photos.map {
      try PhotoFolder($0, of: Suite(bench.suite, format: .jsonl))
    }
    let scoring = try BenchmarkScoring(bench, shard: shard, isPartial: partial, photos: photos)
    Interrupt.watch(requeueing: true)
    let progress = Progress(total: scoring.count * chosen.count)
    for name in chosen {
      let scorer = try scorer(name)
      try scoring.score(with: scorer) { done in
        progress.advance(done, "\(name), pictures")
        try Interrupt.check()
      }
      let photos = scoring.photoCount == 0 ? "" : " and \(scoring.photoCount) photos"
      let pictures = scoring.count - scoring.photoCount
      progress.finish("\(name): \(pictures) pictures\(photos) by \(scorer.model)")
    }
    let (incomplete, bare) = scoring.leftOut
    if incomplete + bare > 0 {
      Message.note("runs left out: \(incomplete) not complete, \(bare) without their picture")
    }
    if chosen.contains("owl") { try noteUnasked(in: bench) }
    if shard == .whole { try BenchmarkTable.print(bench) }
  }

  /// Says what of the suite the detector is not asked.
  private func noteUnasked(in bench: BenchmarkFolder) throws {
    let unasked = OWLViTDetector.unasked(of: try Suite(bench.suite, format: .jsonl).prompts)
    for (count, kind, words) in [
      (unasked.attributes.count, "attributes", Set(unasked.attributes).sorted()),
      (unasked.relations.count, "relations", Set(unasked.relations).sorted()),
    ] where count > 0 {
      let few = words.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
      Message.note(
        "owl: \(kind) of the suite that cannot be asked: \(count), as \(few): prompts with one have no "
          + "\"all right\"")
    }
  }

  private func chosenScorers() throws -> [String] {
    guard let scorers else { return Self.names.filter { $0 != "blip-vqa" || blipVqa != nil } }
    let chosen = try NameList(option: "--scorers", scorers, of: Self.names).names
    if chosen.contains("blip-vqa"), blipVqa == nil {
      throw Failure(.usage, "blip-vqa needs a checkpoint: give --blip-vqa FOLDER")
    }
    return chosen
  }

  private func scorer(_ name: String) throws -> PictureScorer {
    switch name {
    case "owl": .owl(try OWLViTDetector(folder: owl, threshold: threshold))
    case "blip":
      .blip(
        try BLIPCaptioner(folder: blip), blip == nil ? .menagerie : CaptionSettings(),
        try openClip())
    case "blip-vqa": .questions(try BLIPQuestionAnswerer(folder: blipVqa ?? ""))
    default: .clip(try openClip())
    }
  }

  private func openClip() throws -> CLIPScorer {
    try CLIPScorer(folder: clip, replacements: cleanTemplates ? .words : .official)
  }
}
