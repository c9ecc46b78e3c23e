import AttentionAnalysis
import AttentionTrace
import Diffusion
import Drawing
import Evaluation
import PromptText
import TensorEngine

/// What reads something from outside.
enum FuzzedParser: String, CaseIterable {
  // Numbers.
  case safetensors, npy, npz
  case lora, embedding
  // Pictures.
  case png, jpeg, webp, gif
  // Runs.
  case manifest, journal, store
  case packedStore = "packed-store"
  case shard
  // Checkpoints and evaluators.
  case checkpoint, configuration, evaluator
  case originalConfiguration = "original-configuration"
  case vocabulary, tokenizer, wordpiece
  // Texts that people write.
  case json, yaml, sheet, defaults
  case prompt
  case promptFile = "prompt-file"
  case objective, recipe
  case dependencies, tokens
  // Benchmarks and studies.
  case suiteLines = "suite-jsonl"
  case suiteYAML = "suite-yaml"
  case suiteLists = "suite-lists"
  case t2iCompBench = "t2i-compbench"
  case genEval = "geneval"
  case genEval2 = "geneval2"
  case visor
  case results, scores
  case benchmark, answers

  /// Reads an input as the program would read it.
  /// - Throws: the errors of ours for an input that breaks a rule.
  func read(_ input: [UInt8]) throws {
    switch self {
    case .safetensors: try NumberInput.safetensors(input)
    case .npy: try NumberInput.npy(input)
    case .npz: try NumberInput.npz(input)
    case .lora: try NumberInput.lora(input)
    case .embedding: try NumberInput.embedding(input)
    case .png: try PictureInput.png(input)
    case .jpeg, .webp, .gif: try PictureInput.other(input)
    case .manifest: try RunInput.manifest.read(input)
    case .journal: try RunInput.journal.read(input)
    case .store: try RunInput.store.read(input)
    case .packedStore: try RunInput.packedStore.read(input)
    case .shard: try RunInput.shard.read(input)
    case .checkpoint: try ModelInput.checkpoint(input)
    case .configuration: try ModelInput.configuration(input)
    case .evaluator: try ModelInput.evaluator(input)
    case .originalConfiguration: try ModelInput.originalConfiguration(input)
    case .vocabulary: try TokenizerInput.vocabulary(input)
    case .tokenizer: try TokenizerInput.tokenizer(input)
    case .wordpiece: try TokenizerInput.wordpiece(input)
    case .json: try TextInput.json(input)
    case .yaml: try TextInput.yaml(input)
    case .sheet: try TextInput.sheet(input)
    case .defaults: try TextInput.defaults(input)
    case .prompt: try TextInput.prompt(input)
    case .promptFile: try TextInput.promptFile(input)
    case .objective: try TextInput.objective(input)
    case .recipe: try TextInput.recipe(input)
    case .dependencies: try TextInput.dependencies(input)
    case .tokens: try TextInput.tokens(input)
    case .suiteLines: try BenchmarkInput.suite(input, .jsonl)
    case .suiteYAML: try BenchmarkInput.suite(input, .yaml)
    case .suiteLists: try BenchmarkInput.suite(input, .attendAndExcite)
    case .t2iCompBench: try BenchmarkInput.suite(input, .t2iCompBench)
    case .genEval: try BenchmarkInput.suite(input, .genEval)
    case .genEval2: try BenchmarkInput.suite(input, .genEval2)
    case .visor: try BenchmarkInput.suite(input, .visor)
    case .results: try BenchmarkInput.results(input)
    case .scores: try BenchmarkInput.scores(input)
    case .benchmark: try BenchmarkInput.benchmark(input)
    case .answers: try BenchmarkInput.answers(input)
    }
  }

  /// Ends the process over an error that the program would not explain: it knows the codes of these alone.
  static func judge(_ error: any Error) {
    switch error {
    case is FileError, is TraceError, is DiffusionError, is TextError, is ObjectiveExpressionError,
      is AnalysisError, is FigureError, is EvaluationError:
      if "\(error)".isEmpty { fatalError("an error that says nothing") }
    default: fatalError("a stray error: \(type(of: error)): \(error)")
    }
  }
}
