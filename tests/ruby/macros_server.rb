# The object behind the contract in tests/tests/all/macros.rs.
require 'drb'

module Shop
  class Entry
    attr_reader :key, :count
  end

  class NotFound < StandardError
    def initialize(key, tries)
      super("no entry #{key}")
      @key = key
      @tries = tries
    end
  end

  class Desk
    def initialize = @entries = {}
    def page(from, to = 9) = [from, to]
    def sum(*all) = all.sum
    def find(text, limit:, **others) = "#{text} #{limit} #{others}"
    def []=(key, entry)
      @entries[key] = entry
    end
    def known?(key) = @entries.key?(key)
    def shape(shape) = shape

    def fail(how)
      case how
      when 0 then raise NotFound.new('tea', 3)
      when 1 then raise ArgumentError, 'wrong'
      else 1 / 0
      end
    end
  end
end

DRb.start_service('druby://127.0.0.1:0', Shop::Desk.new)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
