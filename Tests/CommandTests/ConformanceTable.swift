/// Which types conform to which protocols of the package, and what these require.
struct ConformanceTable {
  /// The names of each protocol's requirements that have a doc comment.
  private(set) var requirements: [String: Set<String>] = [:]
  private var conformances: [String: Set<String>] = [:]

  init(_ files: [SourceFile]) {
    let all = files.map(\.declarations)
    for declaration in all.joined() where declaration.opensScope {
      conformances[declaration.path, default: []].formUnion(declaration.conformances)
      if declaration.keyword == "protocol" { requirements[declaration.path] = [] }
    }
    for declarations in all {
      var isRequirement = false
      for declaration in declarations {
        if declaration.opensScope { isRequirement = declaration.keyword == "protocol" }
        if isRequirement, declaration.isDocumented, let owner = declaration.owner {
          requirements[owner, default: []].insert(declaration.name)
        }
      }
    }
  }

  /// Whether a member of a type, or of a protocol's extension, is a requirement that the protocol
  /// documents.
  func inherits(_ member: String, in type: String) -> Bool {
    var seen: Set<String> = []
    var next = [type]
    while let name = next.popLast() {
      guard seen.insert(name).inserted else { continue }
      if requirements[name]?.contains(member) == true { return true }
      next += conformances[name] ?? []
    }
    return false
  }
}
