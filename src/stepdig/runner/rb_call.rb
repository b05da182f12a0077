# Calls a method of the project for `rb>`: `ruby rb_call.rb Class.method input.json output.json [feature]`.
#
# Digdag's protocol (https://docs.digdag.io/operators/rb.html): the parameters come in `input.json`; `output.json` takes
# what the method stored, or its error. The file is copied beside the task and runs in the job's Ruby, so it stands alone:
# Ruby 2.5 or newer and its json.

require 'json'

module Digdag
  # `Digdag.env` as a project's code knows it.
  class Env
    attr_reader :params, :secrets, :subtask_config, :export_params, :store_params, :state_params, :data_subtasks

    def initialize(params, secrets)
      @params = params
      @secrets = secrets # those that `_secrets` of the task names; Digdag has no such thing
      @subtask_config = {}
      @export_params = {}
      @store_params = {}
      @state_params = {}
      @data_subtasks = [] # those whose texts are no templates
      @added = 0
    end

    # Make values parameters of all following tasks.
    def store(params = {}, **more)
      @store_params.merge!(Call.texts(params), Call.texts(more))
    end

    # Make values parameters of the subtasks that this task adds.
    def export(params = {}, **more)
      @export_params.merge!(Call.texts(params), Call.texts(more))
    end

    # Accept state for a retry; Digdag's own runner drops it too.
    def set_state(params = {}, **more)
      @state_params.merge!(Call.texts(params), Call.texts(more))
    end

    # Add a task that runs when the method has returned: `add_subtask(Class, :method, arg: 1)`, `add_subtask(:method,
    # arg: 1)`, or a task as a .dig file has it, as a Hash.
    def add_subtask(*what, **params)
      given = what.last.is_a?(Hash) ? what.pop : {}
      config = Call.texts(given).merge(Call.texts(params))
      name = "+subtask#{@added}"
      unless what.empty?
        config = config.merge('rb>' => Call.address(what))
        @data_subtasks << name
      end
      begin
        JSON.generate(Call.plain(config))
      rescue StandardError => e
        raise ArgumentError, "Parameters must be serializable using JSON: #{e.message}"
      end
      @subtask_config[name] = config
      @added += 1
      nil
    end
  end

  class << self
    attr_accessor :env
  end

  # How a method is found and called.
  module Call
    module_function

    # Call a method with the arguments its parameters ask for.
    def call(command, params)
      owner, _, name = command.rpartition('.')
      if owner.empty?
        target = TOPLEVEL_BINDING.receiver
        return run(target.method(name), params, "Method '#{name}'")
      end
      type = Object.const_get(owner)
      if type.is_a?(Class) && type.public_method_defined?(name)
        made = run(type.method(:new), params, "Method '#{type}.new'", type.instance_method(:initialize))
        return run(made.method(name), params, "Method '#{type}##{name}'")
      end
      run(type.method(name), params, "Method '#{type}.#{name}'")
    end

    def run(method, params, label, shape = method)
      positional = []
      named = {}
      shape.parameters.each do |kind, name|
        key = name.to_s
        if %i[req keyreq].include?(kind) && !params.key?(key)
          raise ArgumentError, "#{label} requires parameter '#{key}' but not set"
        end

        case kind
        when :req then positional << params[key]
        when :opt then positional << params[key] if params.key?(key)
        when :keyreq, :key then named[name] = params[key] if params.key?(key)
        when :keyrest then named = symbols(params).merge(named)
        end
      end
      named.empty? ? method.call(*positional) : method.call(*positional, **named)
    end

    # Return the text of `rb>` that calls what a subtask was added as.
    def address(what)
      method = what.pop
      unless what.size <= 1 && (method.is_a?(Symbol) || method.is_a?(String)) && !method.to_s.include?('.')
        raise ArgumentError, "add_subtask needs a Hash, a method's name, or a class and a method's name"
      end
      return method.to_s if what.empty?

      name = what[0].is_a?(Module) ? what[0].name.to_s : what[0].to_s
      begin
        type = Object.const_get(name)
      rescue NameError
        raise ArgumentError, "Could not find class named #{name}"
      end
      unless type.respond_to?(method) || (type.is_a?(Class) && type.public_method_defined?(method))
        raise ArgumentError, "Class #{type} does not have method #{method.inspect}"
      end
      "::#{name}.#{method}"
    end

    def symbols(value)
      return value unless value.is_a?(Hash)

      value.each_with_object({}) { |(key, item), built| built[key.to_s.to_sym] = symbols(item) }
    end

    def texts(params)
      params.each_with_object({}) { |(key, item), built| built[key.to_s] = item }
    end

    # Return a value as JSON has it; anything else is a mistake that the generator would hide by a text.
    def plain(value)
      case value
      when Hash then value.each_with_object({}) { |(key, item), built| built[key.to_s] = plain(item) }
      when Array then value.map { |item| plain(item) }
      when Symbol then value.to_s
      when nil, true, false, String, Numeric then value
      else raise ArgumentError, "#{value.class} is not JSON"
      end
    end

    def output(env, error = nil)
      stores = env.store_params.each_with_object({}) do |(name, value), built|
        built[name] = plain(value)
        JSON.generate(built[name])
      rescue StandardError => e
        raise ArgumentError, "Digdag.env.store: '#{name}' cannot be written as JSON: #{e.message}"
      end
      left = { 'subtask_config' => plain(env.subtask_config), 'export_params' => plain(env.export_params) }
      left['store_params'] = stores
      left['data_subtasks'] = env.data_subtasks unless env.data_subtasks.empty?
      left['error'] = error if error
      JSON.generate(left)
    end

    # Print a failure as Ruby does, without lines of this file, and return the `error` of `output.json`.
    def described(error)
      message = error.respond_to?(:original_message) ? error.original_message : error.message # no lines of this file
      lines = (error.backtrace || []).reject { |line| line.start_with?("#{__FILE__}:") || line.start_with?('<internal:') }
      $stderr.puts(["#{lines[0]}: #{message} (#{error.class})", *lines.drop(1).map { |it| "\tfrom #{it}" }])
      { 'class' => error.class.to_s, 'message' => message, 'backtrace' => lines }
    end
  end
end

$stdout.sync = $stderr.sync = true
command, input, output, feature = ARGV
$LOAD_PATH << Dir.pwd
begin
  params = JSON.parse(File.read(input, encoding: 'UTF-8'))['params']
  Digdag.env = Digdag::Env.new(params, JSON.parse(ENV.delete('STEPDIG_SECRETS') || '{}'))
  require feature if feature
  Digdag::Call.call(command, params)
  File.write(output, Digdag::Call.output(Digdag.env), encoding: 'UTF-8')
rescue SystemExit => e
  words = "The method left the process with code #{e.status}#{'; return instead' if e.status.zero?}"
  words = e.message unless ['exit', ''].include?(e.message.strip) # those of `abort`, which has printed them
  File.write(output, Digdag::Call.output(Digdag::Env.new({}, {}), { 'class' => '', 'message' => words, 'backtrace' => [] }))
  exit(e.status.zero? ? 1 : e.status)
rescue ScriptError, StandardError, SystemStackError, NoMemoryError => e
  File.write(output, Digdag::Call.output(Digdag::Env.new({}, {}), Digdag::Call.described(e)))
  exit 1
end
