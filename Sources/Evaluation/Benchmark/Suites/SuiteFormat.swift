/// The form of a file that holds a suite.
public enum SuiteFormat: String, CaseIterable, Sendable {
  /// A line of JSON a prompt, as ``Suite/write(to:)`` writes it.
  case jsonl
  /// A list of the same objects in YAML, or a mapping with `name` and `prompts`.
  case yaml
  /// An object of lists of prompts by subset, as Attend-and-Excite's authors published theirs.
  case attendAndExcite = "attend-and-excite"
  /// T2I-CompBench's text files: a prompt a line, up to a tab.
  case t2iCompBench = "t2i-compbench"
  /// GenEval's metadata: a line of JSON a prompt, with `tag` and `include`.
  case genEval = "geneval"
  /// GenEval 2's data: a line of JSON a prompt, with `vqa_list` and `skills`.
  case genEval2 = "geneval2"
  /// VISOR's list of phrases with `unique_id` and `rel_type`.
  case visor
}
