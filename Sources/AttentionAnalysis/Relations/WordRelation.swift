/// That one word of a prompt depends on another, as *red* on *frog* in "a red frog".
public struct WordRelation: Hashable, Sendable {
  /// The kind of dependency, as in `amod` or `nmod:of`.
  public let relation: String
  /// The word on which the other depends, as in `frog` or `frog#2`.
  public let head: String
  /// The word that depends, as in `red` or `red#2`.
  public let dependent: String

  /// Describes a relation; see the properties.
  public init(relation: String, head: String, dependent: String) {
    self.relation = relation
    self.head = head
    self.dependent = dependent
  }
}
