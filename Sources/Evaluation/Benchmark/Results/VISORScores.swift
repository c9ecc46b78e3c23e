internal import TensorEngine

/// What VISOR's script counts of a picture's result: pictures of two objects in a relation alone.
enum VISORScores {
  /// The values of a result, by what its prompt is to show.
  ///
  /// `recall` is how many objects were found. Of a prompt with a relation there are also `oa`, whether both were;
  /// `sra`, as the file has it; `uncond`, whether both were found and the relation holds; and `cond`, the same of
  /// pictures in which both were found. Their means are the script's OA, VISOR_uncond and VISOR_cond.
  /// - Throws: `FileError` for more objects than the prompt has.
  /// - Reference: microsoft/VISOR: visor.py, `get_visor_spatial`
  static func values(
    _ result: ImportedResult, of prompt: SuitePrompt
  ) throws -> [String: Double] {
    var values = result.values
    let relation = values.removeValue(forKey: "sra")
    guard let recall = values["recall"] else { return values }
    let count = prompt.relations.isEmpty ? prompt.subjects.count : 2
    guard recall <= Double(count) else {
      throw result.node.failure(
        "expected at most \(count) found, the objects of \(FileError.printable(prompt.id)), got \(Int(recall))"
      )
    }
    guard !prompt.relations.isEmpty else { return values }
    let isEachFound = recall == Double(count)
    values["oa"] = isEachFound ? 1 : 0
    guard let relation else { return values }
    values["sra"] = relation
    values["uncond"] = isEachFound ? relation : 0
    if isEachFound { values["cond"] = relation }
    return values
  }
}
