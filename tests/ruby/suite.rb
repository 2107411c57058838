# What the tests in tests/peers/suite call: suite.rb URI FRONT
#
# The cases are those of the test suite of Ruby's drb, with the sides exchanged: there Ruby calls,
# here it is called.
require 'drb'
require 'drb/unix'
require 'timeout'

module Suite
  # Stays an Array of its own class on the wire.
  class Row < Array; end

  # An Array that stays here.
  class Shelf < Array
    include DRbUndumped
  end

  # The peer has no such classes.
  class Crate
    def initialize
      @label = 'fragile'
    end

    def ==(other)
      other.is_a?(Crate) && other.instance_variable_get(:@label) == 'fragile'
    end
  end

  module Deep
    class Crate < Suite::Crate; end
    class Trouble < RuntimeError; end
  end

  # Hardly an object.
  class Bare < BasicObject
    def one
      1
    end

    protected def guarded
      2
    end

    private def hidden
      3
    end
  end

  # Counts what happens here, for the peer to see.
  class Ledger
    def initialize
      @lines = []
    end

    def note(line)
      @lines << line
    end

    def read
      @lines.dup
    ensure
      @lines.clear
    end
  end

  class Core
    include DRbUndumped

    def initialize
      @ledger = Ledger.new
      @kept = nil
      @bare = Bare.new
      @colours = { 'red' => :warm, 'blue' => :cold }
      @shelves = { 'a' => Shelf[0], 'b' => Shelf[1, 2] }
      @child = Child.new
    end

    attr_reader :bare, :child

    # Which lines were noted since it was last asked.
    def ledger
      @ledger.read
    end

    # Calls, values, references.

    def hello
      'hello'
    end

    def total(a, b, c)
      a.to_i + b.to_i + c.to_i
    end

    def sum(*numbers)
      numbers.sum(&:to_i)
    end

    def echo(value)
      value
    end

    def bytes(text)
      text.bytesize
    end

    def reply_of(size)
      'x' * size
    end

    # A container of what stays here stays here as a whole.
    def household
      [self, @child]
    end

    def child?(object)
      object.equal?(@child)
    end

    def colours
      DRb::DRbObject.new(@colours)
    end

    def shelves
      DRb::DRbObject.new(@shelves)
    end

    def [](key)
      key.to_s
    end

    # Objects of the peer.

    def hang(object)
      Timeout.timeout(0.1) { object.nap(5) }
    end

    def wait_for(object)
      object.nap(5)
    end

    # What the peer's object looks like from here.
    def look_at(object)
      [object.class.name, object == object, object.respond_to?(:to_i), object.respond_to?(:absent)]
    end

    def same?(one, other)
      one == other && one.eql?(other) && one.hash == other.hash
    end

    # Keeps an object for later, and calls it then.
    def keep_object(object)
      @object = object
      nil
    end

    def kept_object
      @object
    end

    def call_kept_object
      @object.to_i
    end

    # Calls a method of the peer's object with as many arguments.
    def call_with_many(object, count)
      object.count(*1.upto(count))
    end

    def call_with_large(object, size)
      object.size_of('x' * size)
    end

    # Classes and exceptions that the peer doesn't know.

    def crate
      Crate.new
    end

    def deep_crate
      Deep::Crate.new
    end

    def crate?(value)
      value == Crate.new
    end

    def trouble
      raise Deep::Trouble, 'deep trouble'
    end

    # How an exception of the peer's object is seen here.
    def rescue_from(object)
      object.to_i
    rescue DRb::DRbUnknownError => e
      "#{e.class}: #{e.unknown.name}"
    rescue StandardError => e
      "#{e.class}: #{e.message}"
    end

    # It holds an object that cannot be dumped.
    def undumpable_error
      no_such_method(self)
    end

    # Who may call what.

    def method_missing(name, *arguments)
      name == :conjured ? arguments : super
    end

    def respond_to_missing?(name, all)
      name == :conjured || super
    end

    # Arguments by name.

    def by_name(size:)
      size
    end

    def by_name_with_default(size: 'large')
      size
    end

    def all_by_name(first, *others, **options)
      [first, others, options]
    end

    # Blocks.

    def yield_all(*values)
      yield(*values)
    end

    def yield_none
      yield
    end

    def yield_one(value)
      yield(value)
    end

    def yield_two(one, other)
      yield(one, other)
    end

    def yield_row
      yield(Row[0, [1]])
    end

    def yield_child
      yield(@child)
    end

    def yield_child_among(value)
      yield(value, @child)
    end

    # The same with a block that is a value here.
    def call_all(*values, &block)
      block.call(*values)
    end

    def block_given
      block_given?
    end

    # Whether the block gives the object itself back.
    def child_back?
      yield(@child).equal?(@child)
    end

    # What the block gives for each number.
    def map_up_to(count)
      1.upto(count).map { |number| yield(number) }
    end

    # What comes of it is noted, so that the peer can see how it has ended.
    def guarded
      result = yield(1)
      @ledger.note("gave #{result.inspect}")
      result
    rescue StandardError => e
      @ledger.note("raised #{e.class}: #{e.message}")
      raise
    ensure
      @ledger.note('ended')
    end

    # Goes on after an exception in the block.
    def persist(count)
      1.upto(count).map do |number|
        yield(number)
      rescue StandardError => e
        "#{e.class}: #{e.message}"
      end
    end

    # Until the block raises StopIteration, which has this result.
    def repeat
      loop { yield }
      'stopped'
    end

    def keep_block(&block)
      @kept = block
      nil
    end

    def kept_block
      @kept
    end

    def call_kept_block(*values)
      @kept.call(*values)
    end

    # A block within a block: the block that it yields to calls this object again.
    def nest(depth)
      depth.zero? ? yield(0) : yield(depth) + 1
    end

    # Two blocks at once, on two threads.
    def side_by_side(count)
      threads = 1.upto(count).map { |number| Thread.new { yield(number) } }
      threads.map(&:value)
    end

    # Hands its block on to an object of the peer.
    def hand_on(object, &block)
      object.each_of(3, &block)
    end

    def slowly(count)
      1.upto(count) do |number|
        yield(number)
        sleep(5)
      end
    end

    private

    def secret
      :secret
    end

    protected

    def guarded_secret
      :secret
    end
  end

  class Child
    include DRbUndumped

    def name
      'child'
    end
  end

  # Arithmetic on what may be large.
  class Large
    include DRbUndumped

    def size(list)
      list.size
    end

    def sum(list)
      list.inject(:+)
    end

    def product(list)
      list.inject(:*)
    end

    def mean(list)
      list.empty? ? nil : list.sum(0.0) / list.size
    end

    def middle(list)
      return if list.empty?

      sorted = list.sort
      (0.0 + sorted[(list.size - 1) / 2] + sorted[list.size / 2]) / 2
    end

    def any(*values)
      values.size
    end
  end
end

front, config =
  case ARGV.fetch(1)
  when 'core' then [Suite::Core.new, { argc_limit: 8, load_limit: 4096 }]
  when 'list' then [[1, 2, 'III', 4, 'five', 6], {}]
  when 'large' then [Suite::Large.new, { argc_limit: 3, load_limit: 100_000 }]
  end
DRb.start_service(ARGV.fetch(0), front, config)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
