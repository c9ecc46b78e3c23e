/// How another benchmark's scripts expect pictures and what is asked of them, as files and their names.
package enum PictureLayout: String, CaseIterable, Sendable {
  /// `outputs/<prompt>/<seed>.png`.
  case attendAndExcite = "attend-and-excite"
  /// `samples/<prompt>_<number>.png`.
  case t2iCompBench = "t2i-compbench"
  /// `images/<number>/samples/<number>.png` beside `images/<number>/metadata.jsonl`.
  case genEval = "geneval"
  /// A map of prompts to pictures, one each.
  case genEval2 = "geneval2"
  /// A map of captions' ids to pictures, one each, and questions.
  case tifa
  /// `images/<item>_<method>.jpg`, and a table of questions.
  case dsg
  /// `images/<method>/<number>_<number>.png`, and a list of phrases.
  case visor
  /// `images/<caption>/<method>_<seed>.jpg`, and a table of captions.
  case synGen = "syngen"

  /// The benchmark's name for people.
  package var title: String {
    switch self {
    case .attendAndExcite: "Attend-and-Excite"
    case .t2iCompBench: "T2I-CompBench"
    case .genEval: "GenEval"
    case .genEval2: "GenEval 2"
    case .tifa: "TIFA"
    case .dsg: "DSG"
    case .visor: "VISOR"
    case .synGen: "SynGen"
    }
  }

  /// Whether pictures of several methods have places.
  package var holdsMethods: Bool { [.dsg, .visor, .synGen].contains(self) }

  /// Whether each method has one picture a prompt.
  package var holdsOneSeed: Bool { [.genEval2, .tifa, .dsg].contains(self) }

  /// What the benchmark's own file of prompts or questions is called, where it is needed.
  package var neededMetadata: String? {
    switch self {
    case .genEval2: "geneval2_data.jsonl"
    case .tifa: "tifa_v1.0_question_answers.json"
    case .dsg: "dsg-1k-anns.csv"
    default: nil
    }
  }

  /// Whether the benchmark's own file is read where it is given.
  package var readsMetadata: Bool { neededMetadata != nil || self == .genEval }
}
