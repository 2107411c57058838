# What the tests of TLS and of drbfire call, in Ruby. The same stands in `tests/src/desk.rs`.
require 'drb'

class Counter
  include DRbUndumped

  attr_reader :count

  def initialize
    @count = 0
  end

  def inc
    @count += 1
  end
end

class Desk
  include DRbUndumped

  def echo(value)
    value
  end

  def counter
    Counter.new
  end

  def call(object)
    object.inc
  end

  def keep(object)
    @kept = object
    nil
  end

  def call_kept
    @kept.inc
  end

  def each(count)
    count.times.sum { |number| yield(number) }
  end
end
